/** The numbers of the zip format (APPNOTE 6.3) that its readers and writers here agree on. */

export const LOCAL_SIGNATURE = 0x04034b50;
export const CENTRAL_SIGNATURE = 0x02014b50;
export const END_SIGNATURE = 0x06054b50;
export const DESCRIPTOR_SIGNATURE = 0x08074b50;
export const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;

/** Bytes of each record without its names, fields and comments. */
export const LOCAL_SIZE = 30;
export const CENTRAL_SIZE = 46;
export const END_SIZE = 22;
export const ZIP64_LOCATOR_SIZE = 20;
export const LONGEST_COMMENT = 0xffff;

export const STORED = 0;
export const DEFLATED = 8;

/** Bits of the flags of an entry. */
export const ENCRYPTED = 0x0001;
export const HAS_DESCRIPTOR = 0x0008;
export const PATCHED = 0x0020;
export const STRONG_ENCRYPTION = 0x0040;
export const UTF8_NAMES = 0x0800;
export const MASKED_HEADERS = 0x2000;

/** Where zip64 keeps what does not fit. */
export const IN_ZIP64 = { u16: 0xffff, u32: 0xffffffff };
