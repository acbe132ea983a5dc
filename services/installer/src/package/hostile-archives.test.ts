import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import { contractLimits, type PackageLimits } from './package-limits.ts';
import { takeIn } from './take-in.ts';
import { unpack } from './unpack.ts';

/** An entry as a tool without scruples would write it: every field can be a lie. */
interface Written {
  name: string | Buffer;
  content?: Buffer;
  data?: Buffer;
  method?: number;
  flags?: number;
  madeBy?: number;
  attributes?: number;
  disk?: number;
  centralExtra?: Buffer;
  central?: Partial<Sizes> & { name?: string };
  local?: Partial<Sizes> & { name?: string; flags?: number; method?: number };
  descriptor?: Buffer;
  /** Where the directory says that the entry begins. */
  offset?: number;
}

interface Sizes {
  crc: number;
  compressed: number;
  size: number;
}

interface Lies {
  count?: number;
  onDisk?: number;
  disk?: number;
  directorySize?: number;
  directoryOffset?: number;
  comment?: Buffer;
  commentLength?: number;
  before?: Buffer;
  betweenDirectoryAndEnd?: Buffer;
  behind?: Buffer;
}

const UNIX = 3 << 8;

function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16LE(value, index * 2));
  return bytes;
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, index * 4));
  return bytes;
}

function archive(entries: Written[], lies: Lies = {}): Buffer {
  const parts: Buffer[] = [lies.before ?? Buffer.alloc(0)];
  const directory: Buffer[] = [];
  let at = parts[0]?.length ?? 0;
  for (const entry of entries) {
    const { content = Buffer.from('hello'), method = 8, flags = 0, madeBy = UNIX, attributes = 0 } = entry;
    const data = entry.data ?? (method === 8 ? deflateRawSync(content) : content);
    const truth = { crc: crc32(content), compressed: data.length, size: content.length };
    const [inLocal, inCentral] = [
      { ...truth, flags, method, ...entry.local },
      { ...truth, ...entry.central },
    ];
    const localName = Buffer.from(entry.local?.name ?? entry.name);
    const centralName = Buffer.from(entry.central?.name ?? entry.name);
    const extra = entry.centralExtra ?? Buffer.alloc(0);
    const local = Buffer.concat([
      ...[u32(0x04034b50), u16(20, inLocal.flags, inLocal.method, 0, 0x21)],
      ...[u32(inLocal.crc, inLocal.compressed, inLocal.size), u16(localName.length, 0), localName, data],
      entry.descriptor ?? Buffer.alloc(0),
    ]);
    directory.push(
      ...[u32(0x02014b50), u16(madeBy | 20, 20, flags, method, 0, 0x21)],
      ...[u32(inCentral.crc, inCentral.compressed, inCentral.size), u16(centralName.length, extra.length, 0)],
      ...[u16(entry.disk ?? 0, 0), u32(attributes, entry.offset ?? at), centralName, extra],
    );
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const comment = lies.comment ?? Buffer.alloc(0);
  const count = lies.count ?? entries.length;
  return Buffer.concat([
    ...parts,
    central,
    lies.betweenDirectoryAndEnd ?? Buffer.alloc(0),
    ...[u32(0x06054b50), u16(lies.disk ?? 0, lies.disk ?? 0, lies.onDisk ?? count, count)],
    ...[u32(lies.directorySize ?? central.length, lies.directoryOffset ?? at)],
    ...[u16(lies.commentLength ?? comment.length), comment, lies.behind ?? Buffer.alloc(0)],
  ]);
}

async function refusal(bytes: Buffer, limits: Partial<PackageLimits> = {}): Promise<string> {
  try {
    await unpack(bytes, { ...contractLimits, ...limits });
  } catch (error) {
    if (error instanceof PlatformError) return error.code;
    throw error;
  }
  return 'accepted';
}

const named = (name: string | Buffer) => archive([{ name }]);
const link = { madeBy: UNIX, attributes: (0o120777 << 16) >>> 0 };
const good = { name: 'good.txt' };
const descriptorOf = (content: Buffer, data: Buffer, signed = true) =>
  Buffer.concat([...(signed ? [u32(0x08074b50)] : []), u32(crc32(content), data.length, content.length)]);

/** The stored content of one entry is itself an entry, and the directory lists both. */
function nested(): Buffer {
  const whole = archive([{ name: 'inner' }]);
  const inner = whole.subarray(0, whole.readUInt32LE(whole.length - 6));
  return archive([
    { name: 'outer', method: 0, content: inner },
    { name: 'inner', offset: 30 + 'outer'.length },
  ]);
}

const hostile: [what: string, code: string, bytes: Buffer, limits?: Partial<PackageLimits>][] = [
  ['no zip at all', 'NOT_A_ZIP', Buffer.from('<html>not found</html>')],
  ['nothing', 'NOT_A_ZIP', Buffer.alloc(0)],
  ['a path that climbs out', 'ARCHIVE_UNSAFE_PATH', named('../../etc/passwd')],
  ['a path that climbs out from within', 'ARCHIVE_UNSAFE_PATH', named('a/../../b')],
  ['an absolute path', 'ARCHIVE_UNSAFE_PATH', named('/etc/passwd')],
  ['a drive letter', 'ARCHIVE_UNSAFE_PATH', named('C:/windows/x')],
  ['a backslash', 'ARCHIVE_UNSAFE_PATH', named('..\\..\\x')],
  ['a NUL in a name', 'ARCHIVE_UNSAFE_PATH', named('index.js\0.png')],
  ['a line break in a name', 'ARCHIVE_UNSAFE_PATH', named('a\nb')],
  ['an empty name', 'ARCHIVE_UNSAFE_PATH', named('')],
  ['a name that is not UTF-8', 'ARCHIVE_UNSAFE_PATH', named(Buffer.from([0x61, 0xff, 0xfe]))],
  ['an overlong UTF-8 dot', 'ARCHIVE_UNSAFE_PATH', named(Buffer.from([0xc0, 0xae, 0xc0, 0xae, 0x2f, 0x78]))],
  ['a dot as a step', 'ARCHIVE_UNSAFE_PATH', named('./index.js')],
  ['an empty step', 'ARCHIVE_UNSAFE_PATH', named('a//b')],
  ['a device of Windows', 'ARCHIVE_UNSAFE_PATH', named('lib/NUL.js')],
  ['a second stream of NTFS', 'ARCHIVE_UNSAFE_PATH', named('index.js:hidden')],
  ['a name that ends with a dot', 'ARCHIVE_UNSAFE_PATH', named('index.js.')],
  ['an endless name', 'ARCHIVE_UNSAFE_PATH', named('a'.repeat(5_000))],
  ['a symbolic link', 'ARCHIVE_LINK', archive([{ name: 'x', ...link, content: Buffer.from('/etc/passwd') }])],
  ['a device', 'ARCHIVE_LINK', archive([{ name: 'x', attributes: (0o020666 << 16) >>> 0 }])],
  ['an encrypted entry', 'ARCHIVE_ENCRYPTED', archive([{ name: 'x', flags: 1 }])],
  ['strong encryption', 'ARCHIVE_ENCRYPTED', archive([{ name: 'x', flags: 0x40 }])],
  ['encryption in the local header only', 'ARCHIVE_ENCRYPTED', archive([{ name: 'x', local: { flags: 1 } }])],
  ['an unknown compression', 'ARCHIVE_UNSUPPORTED', archive([{ name: 'x', method: 14 }])],
  ['zip64 sizes', 'ARCHIVE_UNSUPPORTED', archive([{ name: 'x', central: { size: 0xffffffff } }])],
  [
    'a zip64 field',
    'ARCHIVE_UNSUPPORTED',
    archive([{ name: 'x', centralExtra: Buffer.concat([u16(1, 8), u32(1, 0)]) }]),
  ],
  [
    'a second name',
    'ARCHIVE_UNSUPPORTED',
    archive([{ name: 'x', centralExtra: Buffer.concat([u16(0x7075, 4), u32(1)]) }]),
  ],
  ['a zip64 count', 'ARCHIVE_UNSUPPORTED', archive([good], { count: 0xffff, onDisk: 0xffff })],
  ['one disk of several', 'ARCHIVE_UNSUPPORTED', archive([good], { disk: 1 })],
  ['an entry on another disk', 'ARCHIVE_UNSUPPORTED', archive([{ name: 'x', disk: 3 }])],
  ['entries on another disk', 'ARCHIVE_UNSUPPORTED', archive([good], { onDisk: 0 })],
  ['the same name twice', 'ARCHIVE_DUPLICATE_NAME', archive([{ name: 'a.js' }, { name: 'a.js' }])],
  ['the same name in another case', 'ARCHIVE_DUPLICATE_NAME', archive([{ name: 'Index.js' }, { name: 'index.JS' }])],
  ['the same name composed otherwise', 'ARCHIVE_DUPLICATE_NAME', archive([{ name: '\u00e9' }, { name: 'e\u0301' }])],
  ['a file in a file', 'ARCHIVE_DUPLICATE_NAME', archive([{ name: 'a' }, { name: 'a/b' }])],
  [
    'a file and a folder of one name',
    'ARCHIVE_DUPLICATE_NAME',
    archive([{ name: 'a' }, { name: 'a/', content: Buffer.alloc(0), method: 0 }]),
  ],
  ['another name in the local header', 'ARCHIVE_CORRUPT', archive([{ name: 'good.js', local: { name: 'evil.js' } }])],
  ['another size in the local header', 'ARCHIVE_CORRUPT', archive([{ name: 'x', local: { size: 9 } }])],
  ['another compression in the local header', 'ARCHIVE_CORRUPT', archive([{ name: 'x', local: { method: 0 } }])],
  ['a wrong checksum', 'ARCHIVE_CORRUPT', archive([{ name: 'x', central: { crc: 1 }, local: { crc: 1 } }])],
  ['more content than declared', 'ARCHIVE_CORRUPT', archive([{ name: 'x', central: { size: 2 }, local: { size: 2 } }])],
  [
    'less content than declared',
    'ARCHIVE_CORRUPT',
    archive([{ name: 'x', central: { size: 20 }, local: { size: 20 } }]),
  ],
  ['data that is not deflated', 'ARCHIVE_CORRUPT', archive([{ name: 'x', data: Buffer.from([0xff, 0xff, 0xff]) }])],
  [
    'deflated data that is cut off',
    'ARCHIVE_CORRUPT',
    archive([{ name: 'x', data: deflateRawSync(Buffer.from('hello')).subarray(0, 3) }]),
  ],
  [
    'stored data of two sizes',
    'ARCHIVE_CORRUPT',
    archive([{ name: 'x', method: 0, central: { size: 3 }, local: { size: 3 } }]),
  ],
  [
    'a wrong data descriptor',
    'ARCHIVE_CORRUPT',
    archive([{ name: 'x', flags: 8, descriptor: Buffer.concat([u32(0x08074b50, 1, 2, 3)]) }]),
  ],
  ['a missing data descriptor', 'ARCHIVE_CORRUPT', archive([{ name: 'x', flags: 8 }])],
  ['a folder with content', 'ARCHIVE_CORRUPT', archive([{ name: 'folder/' }])],
  ['a file that says it is a folder', 'ARCHIVE_CORRUPT', archive([{ name: 'x', attributes: 0x10 }])],
  [
    'an entry in the middle of another',
    'ARCHIVE_CORRUPT',
    archive([{ name: 'a' }, { name: 'a', offset: 0, central: { name: 'b' } }]),
  ],
  ['an entry hidden in the data of another', 'ARCHIVE_CORRUPT', nested()],
  ['an entry that begins nowhere', 'ARCHIVE_CORRUPT', archive([{ name: 'a', offset: 9_999 }])],
  [
    'an entry that reaches into the directory',
    'ARCHIVE_CORRUPT',
    archive([{ name: 'a', central: { compressed: 500 }, local: { compressed: 500 } }]),
  ],
  ['bytes before the first entry', 'NOT_A_ZIP', archive([good], { before: Buffer.from('#!/bin/sh\n') })],
  [
    'bytes hidden between entries',
    'ARCHIVE_CORRUPT',
    archive([{ ...good, descriptor: Buffer.from('hidden') }, { name: 'b' }]),
  ],
  ['bytes between directory and end', 'ARCHIVE_CORRUPT', archive([good], { betweenDirectoryAndEnd: Buffer.from('x') })],
  ['data after the end', 'ARCHIVE_CORRUPT', archive([good], { behind: Buffer.from('more') })],
  ['another archive after the end', 'ARCHIVE_CORRUPT', Buffer.concat([archive([good]), archive([{ name: 'b' }])])],
  ['an end record in the comment', 'ARCHIVE_CORRUPT', archive([good], { comment: archive([]) })],
  ['a comment that is cut off', 'ARCHIVE_CORRUPT', archive([good], { commentLength: 10 })],
  ['an archive that is cut off', 'ARCHIVE_CORRUPT', archive([good]).subarray(0, 40)],
  ['a directory that is elsewhere', 'ARCHIVE_CORRUPT', archive([good], { directoryOffset: 3 })],
  ['fewer entries than claimed', 'ARCHIVE_CORRUPT', archive([good], { count: 2 })],
  ['more entries than claimed', 'ARCHIVE_CORRUPT', archive([good, { name: 'b' }], { count: 1 })],
  ['50 000 entries claimed in a few bytes', 'ARCHIVE_TOO_MANY_ENTRIES', archive([good], { count: 50_000 })],
  ['too many entries', 'ARCHIVE_TOO_MANY_ENTRIES', archive([{ name: 'a' }, { name: 'b' }]), { entries: 1 }],
  ['a file that is too large', 'ARCHIVE_ENTRY_TOO_LARGE', archive([good]), { fileBytes: 4 }],
  ['too much in all', 'ARCHIVE_TOTAL_TOO_LARGE', archive([{ name: 'a' }, { name: 'b' }]), { totalBytes: 9 }],
  ['a bomb', 'ARCHIVE_RATIO', archive([{ name: 'zeros', content: Buffer.alloc(1_000_000) }])],
];

test.each(hostile)('%s is refused', async (_what, code, ...[bytes, limits]) => {
  expect(await refusal(bytes, limits)).toBe(code);
});

describe('what honest tools write is accepted', () => {
  const content = Buffer.from('a file written by a stream');
  const data = deflateRawSync(content);
  const streamed = { name: 'streamed.txt', content, flags: 8, local: { crc: 0, compressed: 0, size: 0 } };

  test.each([
    ['a stored and a deflated file', archive([{ name: 'a', method: 0 }, { name: 'b' }])],
    ['a comment', archive([good], { comment: Buffer.from('made by hand, '.repeat(20)) })],
    ['a folder', archive([{ name: 'lib/', content: Buffer.alloc(0), method: 0 }, { name: 'lib/a.js' }])],
    [
      'a folder made on Unix',
      archive([{ name: 'd/', content: Buffer.alloc(0), method: 0, attributes: (0o040755 << 16) >>> 0 }]),
    ],
    ['an empty file', archive([{ name: 'empty', content: Buffer.alloc(0) }])],
    ['a streamed file', archive([{ ...streamed, descriptor: descriptorOf(content, data) }])],
    [
      'a streamed file, descriptor unsigned',
      archive([{ ...streamed, descriptor: descriptorOf(content, data, false) }]),
    ],
    ['no entry at all', archive([])],
    [
      'an extra field with a time',
      archive([{ name: 'a', centralExtra: Buffer.concat([u16(0x5455, 5), Buffer.alloc(5)]) }]),
    ],
  ])('%s', async (_what, bytes) => {
    expect(await refusal(bytes)).toBe('accepted');
  });

  test('and comes out byte for byte, without the one folder around it', async () => {
    const files = await unpack(
      archive([{ name: 'top/manifest.json' }, { name: 'top/lib/a.js', content }]),
      contractLimits,
    );
    expect([...files.keys()].sort()).toEqual(['lib/a.js', 'manifest.json']);
    expect(files.get('lib/a.js')).toEqual(content);
  });
});

describe('a package', () => {
  const manifest = {
    ...{ id: 'small', name: 'Small', description: 'Small', version: '1.0', type: 'feature' },
    ...{ author: { name: 'A' }, tags: [], permissions: [] },
  };
  const packed = (files: Record<string, string>) =>
    archive(Object.entries(files).map(([name, text]) => ({ name, content: Buffer.from(text) })));
  const codeOf = (files: Record<string, string>) =>
    takeIn(packed(files), contractLimits).then(
      () => 'accepted',
      (error: unknown) => (error instanceof PlatformError ? error.code : error),
    );

  test('without a manifest, with a broken one or an invalid one is refused', async () => {
    expect(await codeOf({ 'index.js': '' })).toBe('MANIFEST_MISSING');
    expect(await codeOf({ 'manifest.json': '{' })).toBe('MANIFEST_INVALID');
    expect(await codeOf({ 'manifest.json': '{"id":"Bad Id"}' })).toBe('MANIFEST_INVALID');
  });

  test('has the same bytes whoever zipped it, and its version in full', async () => {
    const text = JSON.stringify(manifest);
    const one = await takeIn(packed({ 'manifest.json': text, 'index.js': '1' }), contractLimits);
    const other = await takeIn(packed({ 'x/index.js': '1', 'x/manifest.json': text }), contractLimits);
    expect(one.bytes.equals(other.bytes)).toBe(true);
    expect(one.manifest.version).toBe('1.0.0');
    expect(one.sourceChecksum).not.toBe(other.sourceChecksum);
  });

  test('in TypeScript is translated with what it imports; index.js goes before index.ts', async () => {
    const typescript = {
      'manifest.json': JSON.stringify(manifest),
      'index.ts': `import { two } from './lib/two.ts'; export default { two: two as number };`,
      'lib/two.ts': 'export const two: number = 2;',
    };
    const files = await unpack((await takeIn(packed(typescript), contractLimits)).bytes, contractLimits);
    expect(files.get('index.js')?.toString()).toContain('two');
    const both = await takeIn(packed({ ...typescript, 'index.js': '/* mine */' }), contractLimits);
    expect((await unpack(both.bytes, contractLimits)).get('index.js')?.toString()).toBe('/* mine */');
    expect(await codeOf({ ...typescript, 'lib/two.ts': 'export const = ;' })).toBe('MANIFEST_INVALID');
    expect(await codeOf({ ...typescript, 'index.ts': `import '../../../etc/passwd.json'` })).toBe('MANIFEST_INVALID');
  });
});
