import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

// Zip keeps local time without a zone, so a local time is the same bytes on every machine.
const ALWAYS = new Date(1980, 0, 1);
const READABLE_BY_ALL = 0o100644;

/** A zip of these files by name. The same files make the same bytes, whenever and wherever they are packed. */
export async function zip(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const archive = new ZipFile();
  for (const [name, content] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    archive.addBuffer(content, name, { mtime: ALWAYS, mode: READABLE_BY_ALL, compress: true, forceDosTimestamp: true });
  }
  archive.end();
  return buffer(archive.outputStream);
}
