import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import {
  MADE_ON_UNIX,
  u16,
  u32,
  writtenArchive,
  type WrittenEntry,
  type WrittenLies,
} from '../../services/installer/src/testing/written-archive.ts';
import { mutatedManifest } from './manifest-cases.ts';
import type { Random } from './random.ts';

const PLUGIN = join(import.meta.dirname, '../../plugins/builtin/minimal-test-plugin');
const parts = Object.fromEntries(
  ['manifest.json', 'icon.png', 'CHANGELOG.md', 'README.md'].map((name) => [name, readFileSync(join(PLUGIN, name))]),
);
const MB = 1024 * 1024;
const zeros = Buffer.alloc(20 * MB);
const deflatedZeros = deflateRawSync(zeros);
const SIGNATURES = [0x04034b50, 0x02014b50, 0x06054b50, 0x08074b50, 0x07064b50, 0x06064b50];

const names = [
  ...[
    '../evil.js',
    '/etc/passwd',
    'C:/x',
    'a\\b',
    'a\0b',
    'con',
    'a:b',
    'a.',
    '.',
    '..',
    '',
    'lib/',
    'LIB/A.JS',
    'manifest.json',
  ],
  ...[
    'Manifest.json',
    'e\u0301',
    '\u00e9',
    'index.js',
    'index.js/x',
    '__proto__',
    'constructor',
    'lib/../x',
    '//x',
    'x'.repeat(600),
  ],
  ...['__MACOSX/._a', 'node_modules/a/index.js', '\u202egnp.js', 'index.ts', '~', '$(touch evil)', '%2e%2e/evil'],
];
const numbers = [
  0, 1, 2, 4, 8, 9, 20, 30, 46, 0x7f, 0xff, 0x7fff, 0xfffe, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe,
  0xffffffff,
];

interface Draft {
  entries: WrittenEntry[];
  lies: WrittenLies;
}

/** The bytes of a zip of a good plugin, with up to four things in it that are not good. */
export function mutatedArchive(random: Random): Buffer {
  const draft = goodDraft(random);
  for (let count = random.below(4); count > 0; count -= 1) random.oneOf(changes)(draft, random);
  let bytes = writtenArchive(draft.entries, draft.lies);
  for (let count = random.oneOf([0, 0, 0, 1, 2]); count > 0; count -= 1) {
    // What moves everything behind it is found out at once, and teaches little.
    bytes = (random.once(3) ? random.oneOf(byteChanges) : random.oneOf(byteChanges.slice(0, 2)))(bytes, random);
  }
  return bytes;
}

function goodDraft(random: Random): Draft {
  const top = random.once(4) ? 'plugin/' : '';
  const method = () => random.oneOf([0, 8]);
  const files: Record<string, Buffer> = { ...parts, 'index.js': Buffer.from('module.exports = {};') };
  // Each is translated in a process of its own, which takes its time.
  if (random.once(400)) files['index.ts'] = Buffer.from(`export default ${'('.repeat(random.below(50))}1 as number`);
  if (files['index.ts'] !== undefined) delete files['index.js'];
  for (let count = random.below(6); count > 0; count -= 1) files[`lib/${count}.js`] = random.bytes(random.below(3_000));
  const entries = Object.entries(files).map(([name, content]) => ({ name: top + name, content, method: method() }));
  if (random.once(5)) entries.push({ name: `${top}lib/`, content: Buffer.alloc(0), method: 0 });
  return { entries, lies: random.once(8) ? { comment: random.bytes(random.below(300)) } : {} };
}

type Change = (draft: Draft, random: Random) => void;

const changes: readonly Change[] = [
  // Another name, everywhere or in one of the two headers.
  (draft, random) => change(draft, random, () => ({ name: random.oneOf(names) })),
  (draft, random) => change(draft, random, () => ({ local: { name: random.oneOf(names) } })),
  (draft, random) => change(draft, random, () => ({ central: { name: random.oneOf(names) } })),
  (draft, random) => change(draft, random, () => ({ name: random.bytes(1 + random.below(20)) })),
  // Sizes and checksums that are not true.
  (draft, random) => change(draft, random, () => ({ central: sizes(random) })),
  (draft, random) => change(draft, random, () => ({ local: sizes(random) })),
  (draft, random) =>
    change(draft, random, () => {
      const lie = sizes(random);
      return { local: lie, central: lie };
    }),
  // Flags, kinds, methods, disks, places.
  (draft, random) => change(draft, random, () => ({ flags: 1 << random.below(16) })),
  (draft, random) =>
    change(draft, random, () => ({
      flags: 8,
      descriptor: random.once(2) ? random.bytes(16) : u32(0x08074b50, 0, 0, 0),
    })),
  (draft, random) => change(draft, random, () => ({ method: random.oneOf([0, 1, 8, 9, 12, 14, 93, 99, 0xffff]) })),
  (draft, random) =>
    change(draft, random, () => ({ attributes: ((random.below(16) << 28) | random.below(0x40)) >>> 0 })),
  (draft, random) =>
    change(draft, random, () => ({ madeBy: random.oneOf([0, MADE_ON_UNIX, 10 << 8, 19 << 8, 0xff00]) })),
  (draft, random) => change(draft, random, () => ({ disk: random.oneOf(numbers) & 0xffff })),
  (draft, random) =>
    change(draft, random, () => ({ offset: random.once(2) ? random.oneOf(numbers) : random.below(5_000) })),
  // Fields.
  (draft, random) => change(draft, random, () => ({ centralExtra: field(random) })),
  (draft, random) => change(draft, random, () => ({ localExtra: field(random) })),
  // Content.
  (draft, random) =>
    change(draft, random, ({ content = Buffer.alloc(0) }) => ({ data: cutOrLonger(deflateRawSync(content), random) })),
  (draft, random) => change(draft, random, () => ({ data: random.bytes(random.below(200)) })),
  (draft, random) => change(draft, random, () => ({ content: Buffer.from(mutatedManifest(random)) }), 'manifest.json'),
  (draft, random) => change(draft, random, () => ({ content: random.bytes(random.below(500)) }), 'icon.png'),
  (draft, random) => change(draft, random, () => ({ content: writtenArchive(goodDraft(random).entries), method: 0 })),
  // Bombs: honest, and of a size they do not tell.
  (draft) => void draft.entries.push({ name: 'zeros', content: zeros, data: deflatedZeros }),
  (draft, random) => {
    const lie = { size: random.below(5_000) };
    draft.entries.push({ name: 'small', content: zeros, data: deflatedZeros, central: lie, local: lie });
  },
  // The list of entries.
  ({ entries }, random) => void entries.push({ ...someEntry(entries, random) }),
  ({ entries }, random) => void entries.splice(random.below(entries.length), 1),
  ({ entries }, random) => void entries.sort(() => random.below(3) - 1),
  ({ entries }, random) => void entries.push({ ...someEntry(entries, random), offset: 0 }),
  ({ entries }, random) => {
    const count = random.oneOf([20, 300, 2_100]);
    for (let at = 0; at < count; at += 1) entries.push({ name: `many/${at}`, content: Buffer.alloc(1), method: 0 });
  },
  // What the archive says of itself.
  ({ lies }, random) => void (lies.count = random.oneOf(numbers) & 0xffff),
  ({ lies }, random) => void (lies.onDisk = random.oneOf(numbers) & 0xffff),
  ({ lies }, random) => void (lies.disk = random.oneOf(numbers) & 0xffff),
  ({ lies }, random) => void (lies.directorySize = random.oneOf(numbers)),
  ({ lies }, random) => void (lies.directoryOffset = random.once(2) ? random.oneOf(numbers) : random.below(5_000)),
  ({ lies }, random) => void (lies.commentLength = random.oneOf(numbers) & 0xffff),
  ({ lies }, random) => void (lies.comment = writtenArchive(random.once(2) ? [] : goodDraft(random).entries)),
  ({ lies }, random) => void (lies.before = random.once(2) ? random.bytes(50) : writtenArchive([{ name: 'hidden' }])),
  ({ lies }, random) => void (lies.behind = random.once(2) ? random.bytes(50) : writtenArchive([{ name: 'hidden' }])),
  ({ lies }, random) =>
    void (lies.betweenDirectoryAndEnd = random.once(2) ? random.bytes(20) : u32(0x07064b50, 0, 0, 0, 1)),
];

function someEntry(entries: readonly WrittenEntry[], random: Random): WrittenEntry {
  return entries[random.below(entries.length)] ?? { name: 'again' };
}

/** Changes one entry, chosen by chance or by the end of its name. */
function change(
  { entries }: Draft,
  random: Random,
  part: (entry: WrittenEntry) => Partial<WrittenEntry>,
  name?: string,
): void {
  const named = name === undefined ? -1 : entries.findIndex((entry) => entry.name.toString().endsWith(name));
  const at = named === -1 ? random.below(entries.length) : named;
  const entry = entries[at];
  if (entry !== undefined) entries[at] = { ...entry, ...part(entry) };
}

function sizes(random: Random): { crc?: number; compressed?: number; size?: number } {
  const number = random.once(2) ? random.oneOf(numbers) : random.below(10_000);
  return { [random.oneOf(['crc', 'compressed', 'size'])]: number };
}

function field(random: Random): Buffer {
  const id = random.oneOf([1, 0x7075, 0x5455, 0x6375, 0x9901, random.below(0x10000)]);
  const content = random.bytes(random.below(30));
  const fields = [u16(id, random.once(3) ? random.oneOf(numbers) & 0xffff : content.length), content];
  return random.once(20) ? Buffer.concat([...fields, Buffer.alloc(60_000)]) : Buffer.concat(fields);
}

function cutOrLonger(data: Buffer, random: Random): Buffer {
  return random.once(2)
    ? data.subarray(0, random.below(data.length + 1))
    : Buffer.concat([data, random.bytes(1 + random.below(50))]);
}

type ByteChange = (bytes: Buffer, random: Random) => Buffer;

const byteChanges: readonly ByteChange[] = [
  // Some bits, anywhere.
  (bytes, random) => {
    for (let count = 1 + random.below(8); count > 0 && bytes.length > 0; count -= 1) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    }
    return bytes;
  },
  // A number in one of the records.
  (bytes, random) => {
    const record = bytes.indexOf(u32(random.oneOf(SIGNATURES)), random.below(bytes.length + 1));
    const at = record + 4 + random.below(42);
    if (record === -1 || at + 4 > bytes.length) return bytes;
    if (random.once(2)) bytes.writeUInt16LE(random.oneOf(numbers) & 0xffff, at);
    else bytes.writeUInt32LE(random.oneOf(numbers), at);
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => bytes.subarray(random.below(bytes.length + 1)),
  (bytes, random) => {
    const [from, to] = [random.below(bytes.length + 1), random.below(bytes.length + 1)];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const signature = u32(random.oneOf(SIGNATURES));
    return Buffer.concat([
      bytes.subarray(0, at),
      random.once(2) ? signature : random.bytes(random.below(40)),
      bytes.subarray(at),
    ]);
  },
  (bytes, random) => Buffer.concat([bytes, bytes.subarray(random.below(bytes.length + 1))]),
];
