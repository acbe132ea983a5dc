const MB = 1024 * 1024;

/** A limit as people read it: `50 MB`. Small ones stay in bytes. */
export function byteSize(bytes: number): string {
  return bytes < MB ? `${bytes} bytes` : `${Math.round((bytes / MB) * 10) / 10} MB`;
}
