import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Open } from 'unzipper';
import { PlatformError, statusOfArchiveCode, statusOfCode } from '@verifywise/contracts';
import '../../../../test/support/patience.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';
import { takenIn, type TakenPackage } from '../testing/taken-in.ts';
import { MADE_ON_UNIX, u16, u32, writtenArchive as archive, type WrittenEntry } from '../testing/written-archive.ts';
import type { PackageLimits } from './package-limits.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'hostile-archives-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** The code an archive is refused with; a manifest is looked at last. */
async function refusal(bytes: Buffer, limits: Partial<PackageLimits> = {}): Promise<string> {
  try {
    await takenIn(bytes, limits, scratch);
  } catch (error) {
    if (error instanceof PlatformError) return error.code === 'MANIFEST_MISSING' ? 'accepted' : error.code;
    throw error;
  } finally {
    expect(await readdir(scratch)).toEqual([]);
  }
  return 'accepted';
}

const nothing = Buffer.alloc(0);
const hello = Buffer.from('hello');
const good = { name: 'good.txt' };
const named = (name: string | Buffer) => archive([{ name }]);
const unixType = (type: number) => ({ madeBy: MADE_ON_UNIX, attributes: (type << 16) >>> 0 });
const extra = (...fields: [id: number, bytes: Buffer][]) =>
  Buffer.concat(fields.flatMap(([id, bytes]) => [u16(id, bytes.length), bytes]));
const descriptorOf = (content: Buffer, data: Buffer, signed = true) =>
  Buffer.concat([...(signed ? [u32(0x08074b50)] : []), u32(crc32(content), data.length, content.length)]);
/** Both headers say this, whatever is true. */
const claims = (sizes: NonNullable<WrittenEntry['local']>) => ({ name: 'x', central: sizes, local: sizes });

/** The stored content of one entry is itself an entry, and the directory lists both. */
function nested(): Buffer {
  const whole = archive([{ name: 'inner' }]);
  const inner = whole.subarray(0, whole.readUInt32LE(whole.length - 6));
  return archive([
    { name: 'outer', method: 0, content: inner },
    { name: 'inner', offset: 30 + 'outer'.length },
  ]);
}

/** Many entries that all claim the same data, as in the bombs that need no nesting. */
function quilt(): Buffer {
  return archive([{ name: 'a' }, ...['b', 'c', 'd'].map((name) => ({ name, offset: 0 }))]);
}

const MB = 1024 * 1024;
/** Each translation has a process of its own, and machines are busy. */
const TRANSLATED_WITHIN_MS = 120_000;

const hostile: [what: string, code: string, bytes: Buffer, limits?: Partial<PackageLimits>][] = [
  ['no zip at all', 'NOT_A_ZIP', Buffer.from('<html>not found</html>')],
  ['nothing', 'NOT_A_ZIP', nothing],
  ['another kind of archive', 'NOT_A_ZIP', Buffer.from('1f8b0800000000000003', 'hex')],
  ['a program before the first entry', 'NOT_A_ZIP', archive([good], { before: Buffer.from('#!/bin/sh\n') })],

  ['a path that climbs out', 'ARCHIVE_PATH_PARENT', named('../../etc/passwd')],
  ['a path that climbs out from within', 'ARCHIVE_PATH_PARENT', named('a/../../b')],
  ['a path that climbs and comes back', 'ARCHIVE_PATH_PARENT', named('a/../b')],
  ['a path that ends by climbing', 'ARCHIVE_PATH_PARENT', named('a/..')],
  ['an absolute path', 'ARCHIVE_PATH_ABSOLUTE', named('/etc/passwd')],
  ['a path on another machine', 'ARCHIVE_PATH_ABSOLUTE', named('//server/share/x')],
  ['a drive letter', 'ARCHIVE_PATH_DRIVE', named('C:/windows/x')],
  ['a drive letter without a slash', 'ARCHIVE_PATH_DRIVE', named('c:x')],
  ['a backslash', 'ARCHIVE_NAME_BACKSLASH', named('..\\..\\x')],
  ['a path on another machine, as Windows writes it', 'ARCHIVE_NAME_BACKSLASH', named('\\\\server\\share\\x')],
  ['a NUL in a name', 'ARCHIVE_NAME_NUL', named('index.js\0.png')],
  ['a line break in a name', 'ARCHIVE_NAME_CONTROL', named('a\nb')],
  ['an escape sequence in a name', 'ARCHIVE_NAME_CONTROL', named('\u001b[31mred')],
  ['an empty name', 'ARCHIVE_NAME_EMPTY', named('')],
  ['an endless name', 'ARCHIVE_NAME_TOO_LONG', named('a'.repeat(5_000))],
  ['a name that is not UTF-8', 'ARCHIVE_NAME_NOT_UTF8', named(Buffer.from([0x61, 0xff, 0xfe]))],
  ['an overlong UTF-8 dot', 'ARCHIVE_NAME_NOT_UTF8', named(Buffer.from([0xc0, 0xae, 0xc0, 0xae, 0x2f, 0x78]))],
  ['half a surrogate pair', 'ARCHIVE_NAME_NOT_UTF8', named(Buffer.from([0xed, 0xa0, 0x80]))],
  ['a dot as a step', 'ARCHIVE_PATH_STEP', named('./index.js')],
  ['an empty step', 'ARCHIVE_PATH_STEP', named('a//b')],
  ['a device of Windows', 'ARCHIVE_NAME_DEVICE', named('lib/NUL.js')],
  ['another device of Windows', 'ARCHIVE_NAME_DEVICE', named('com1')],
  ['a second stream of NTFS', 'ARCHIVE_NAME_COLON', named('index.js:hidden')],
  ['a name that ends with a dot', 'ARCHIVE_NAME_ENDING', named('index.js.')],
  ['a folder that ends with a space', 'ARCHIVE_NAME_ENDING', named('lib /x')],
  [
    'a second name for other tools',
    'ARCHIVE_SECOND_NAME',
    archive([{ name: 'x', centralExtra: extra([0x7075, Buffer.from('\u0001....evil')]) }]),
  ],
  [
    'a second name in the local header',
    'ARCHIVE_SECOND_NAME',
    archive([{ name: 'x', localExtra: extra([0x7075, Buffer.from('\u0001....evil')]) }]),
  ],

  ['the same name twice', 'ARCHIVE_NAME_TWICE', archive([{ name: 'a.js' }, { name: 'a.js' }])],
  ['the same name in another case', 'ARCHIVE_NAME_TWICE', archive([{ name: 'Index.js' }, { name: 'index.JS' }])],
  ['the same name composed otherwise', 'ARCHIVE_NAME_TWICE', archive([{ name: '\u00e9' }, { name: 'e\u0301' }])],
  ['the same name but for a long s', 'ARCHIVE_NAME_TWICE', archive([{ name: 's.js' }, { name: '\u017f.js' }])],
  ['the same name but for a Kelvin sign', 'ARCHIVE_NAME_TWICE', archive([{ name: 'k.js' }, { name: '\u212a.js' }])],
  [
    'a file and a folder of one name',
    'ARCHIVE_NAME_TWICE',
    archive([{ name: 'a' }, { name: 'a/', content: nothing, method: 0 }]),
  ],
  ['a file in a file', 'ARCHIVE_FILE_IN_FILE', archive([{ name: 'a' }, { name: 'a/b' }])],
  ['a file in a file of another case', 'ARCHIVE_FILE_IN_FILE', archive([{ name: 'Lib/b' }, { name: 'LIB' }])],

  ['a symbolic link', 'ARCHIVE_LINK', archive([{ name: 'x', ...unixType(0o120777), content: Buffer.from('/etc') }])],
  ['a link made on a Mac', 'ARCHIVE_LINK', archive([{ name: 'x', ...unixType(0o120777), madeBy: 19 << 8 }])],
  ['a character device', 'ARCHIVE_SPECIAL_FILE', archive([{ name: 'x', ...unixType(0o020666) }])],
  ['a block device', 'ARCHIVE_SPECIAL_FILE', archive([{ name: 'x', ...unixType(0o060666) }])],
  ['a pipe', 'ARCHIVE_SPECIAL_FILE', archive([{ name: 'x', ...unixType(0o010666) }])],
  ['a socket', 'ARCHIVE_SPECIAL_FILE', archive([{ name: 'x', ...unixType(0o140777) }])],
  ['a folder with content', 'ARCHIVE_FOLDER_CONTENT', archive([{ name: 'folder/' }])],
  ['a file that says it is a folder', 'ARCHIVE_KIND_UNCLEAR', archive([{ name: 'x', attributes: 0x10 }])],
  [
    'a folder that says it is a file',
    'ARCHIVE_KIND_UNCLEAR',
    archive([{ name: 'x/', content: nothing, method: 0, ...unixType(0o100644) }]),
  ],

  ['an encrypted entry', 'ARCHIVE_ENCRYPTED', archive([{ name: 'x', flags: 1 }])],
  ['strong encryption', 'ARCHIVE_ENCRYPTED', archive([{ name: 'x', flags: 0x40 }])],
  ['headers that are masked', 'ARCHIVE_ENCRYPTED', archive([{ name: 'x', flags: 0x2000 }])],
  ['encryption in the local header only', 'ARCHIVE_ENCRYPTED', archive([{ name: 'x', local: { flags: 1 } }])],
  ['a patch', 'ARCHIVE_PATCH', archive([{ name: 'x', flags: 0x20 }])],
  ['an unknown compression', 'ARCHIVE_COMPRESSION', archive([{ name: 'x', method: 14 }])],
  ['zip64 sizes', 'ARCHIVE_ZIP64', archive([{ name: 'x', central: { size: 0xffffffff } }])],
  ['a zip64 field', 'ARCHIVE_ZIP64', archive([{ name: 'x', centralExtra: extra([1, Buffer.alloc(8)]) }])],
  ['a zip64 field in the local header', 'ARCHIVE_ZIP64', archive([{ name: 'x', localExtra: extra([1, nothing]) }])],
  ['a zip64 count', 'ARCHIVE_ZIP64', archive([good], { count: 0xffff, onDisk: 0xffff })],
  ['a zip64 end record', 'ARCHIVE_ZIP64', archive([good], { betweenDirectoryAndEnd: u32(0x07064b50, 0, 0, 0, 1) })],
  ['one disk of several', 'ARCHIVE_MULTI_DISK', archive([good], { disk: 1 })],
  ['an entry on another disk', 'ARCHIVE_MULTI_DISK', archive([{ name: 'x', disk: 3 }])],
  ['entries on another disk', 'ARCHIVE_MULTI_DISK', archive([good], { onDisk: 0 })],
  ['a field that is cut off', 'ARCHIVE_EXTRA_FIELD', archive([{ name: 'x', centralExtra: u16(0x5455, 40) }])],
  ['bytes that are no field', 'ARCHIVE_EXTRA_FIELD', archive([{ name: 'x', localExtra: Buffer.from('abc') }])],

  ['another name in the local header', 'ARCHIVE_LOCAL_NAME', archive([{ ...good, local: { name: 'evil.js' } }])],
  ['a longer name in the local header', 'ARCHIVE_LOCAL_NAME', archive([{ ...good, local: { name: 'good.txt2' } }])],
  ['another size in the local header', 'ARCHIVE_LOCAL_DIFFERS', archive([{ name: 'x', local: { size: 9 } }])],
  ['another checksum in the local header', 'ARCHIVE_LOCAL_DIFFERS', archive([{ name: 'x', local: { crc: 9 } }])],
  ['another compression in the local header', 'ARCHIVE_LOCAL_DIFFERS', archive([{ name: 'x', local: { method: 0 } }])],
  ['other flags in the local header', 'ARCHIVE_LOCAL_DIFFERS', archive([{ name: 'x', local: { flags: 8 } }])],
  ['an entry that begins nowhere', 'ARCHIVE_LOCAL_MISSING', archive([{ name: 'a', offset: 9_999 }])],
  ['an entry that begins in the middle', 'ARCHIVE_LOCAL_MISSING', archive([{ name: 'a', offset: 2 }])],
  [
    'a wrong data descriptor',
    'ARCHIVE_DESCRIPTOR',
    archive([{ name: 'x', flags: 8, descriptor: u32(0x08074b50, 1, 2, 3) }]),
  ],
  ['a missing data descriptor', 'ARCHIVE_DESCRIPTOR', archive([{ name: 'x', flags: 8 }])],

  ['a wrong checksum', 'ARCHIVE_WRONG_CRC', archive([claims({ crc: 1 })])],
  ['a stored file with a wrong checksum', 'ARCHIVE_WRONG_CRC', archive([{ ...claims({ crc: 1 }), method: 0 }])],
  [
    'an empty file with a checksum',
    'ARCHIVE_WRONG_CRC',
    archive([{ ...claims({ crc: 1 }), method: 0, content: nothing }]),
  ],
  ['more content than declared', 'ARCHIVE_SIZE_EXCEEDED', archive([claims({ size: 2 })])],
  [
    'a bomb that says it is small',
    'ARCHIVE_SIZE_EXCEEDED',
    archive([{ ...claims({ size: 10 }), content: Buffer.alloc(20 * MB) }]),
  ],
  ['less content than declared', 'ARCHIVE_SIZE_SHORT', archive([claims({ size: 20 })])],
  ['no data for a file that has a size', 'ARCHIVE_SIZE_SHORT', archive([{ ...claims({ size: 5 }), data: nothing }])],
  ['stored data of two sizes', 'ARCHIVE_STORED_SIZES', archive([{ ...claims({ size: 3 }), method: 0 }])],
  ['data that is not deflated', 'ARCHIVE_INFLATE_FAILED', archive([{ name: 'x', data: Buffer.from([255, 255, 255]) }])],
  [
    'deflated data that is cut off',
    'ARCHIVE_INFLATE_FAILED',
    archive([{ name: 'x', data: deflateRawSync(hello).subarray(0, 3) }]),
  ],
  [
    'data hidden behind the end of deflated data',
    'ARCHIVE_DEFLATE_TRAILING',
    archive([{ name: 'x', data: Buffer.concat([deflateRawSync(hello), Buffer.from('hidden')]) }]),
  ],

  [
    'an entry in the place of another',
    'ARCHIVE_LOCAL_NAME',
    archive([{ name: 'a' }, { name: 'a', offset: 0, central: { name: 'b' } }]),
  ],
  ['an entry hidden in the data of another', 'ARCHIVE_OVERLAP', nested()],
  ['an entry that reaches into the directory', 'ARCHIVE_OVERLAP', archive([claims({ compressed: 500 })])],
  ['many entries of the same data', 'ARCHIVE_LOCAL_NAME', quilt()],
  ['bytes hidden between entries', 'ARCHIVE_HIDDEN_DATA', archive([{ ...good, descriptor: hello }, { name: 'b' }])],
  ['bytes hidden before the directory', 'ARCHIVE_HIDDEN_DATA', archive([{ ...good, descriptor: hello }])],
  [
    'an entry that only its neighbours know',
    'ARCHIVE_HIDDEN_DATA',
    archive([good], { before: archive([{ name: 'b' }]).subarray(0, 38) }),
  ],
  ['data after the end', 'ARCHIVE_TRAILING_DATA', archive([good], { behind: Buffer.from('more') })],
  ['a comment that is cut off', 'ARCHIVE_TRAILING_DATA', archive([good], { commentLength: 10 })],
  [
    'another archive after the end',
    'ARCHIVE_DIRECTORY_PLACE',
    Buffer.concat([archive([good]), archive([{ name: 'b' }])]),
  ],
  ['an end record in the comment', 'ARCHIVE_SECOND_END', archive([good], { comment: archive([]) })],
  ['an archive that is cut off', 'ARCHIVE_CUT_OFF', archive([good]).subarray(0, 40)],
  ['a directory that is elsewhere', 'ARCHIVE_DIRECTORY_PLACE', archive([good], { directoryOffset: 3 })],
  ['a directory that is smaller than it is', 'ARCHIVE_DIRECTORY_PLACE', archive([good], { directorySize: 3 })],
  ['bytes between directory and end', 'ARCHIVE_DIRECTORY_PLACE', archive([good], { betweenDirectoryAndEnd: hello })],
  ['fewer entries than claimed', 'ARCHIVE_DIRECTORY_COUNT', archive([good], { count: 2 })],
  ['more entries than claimed', 'ARCHIVE_DIRECTORY_COUNT', archive([good, { name: 'b' }], { count: 1 })],

  ['50 000 entries claimed in a few bytes', 'ARCHIVE_TOO_MANY_ENTRIES', archive([good], { count: 50_000 })],
  ['too many entries', 'ARCHIVE_TOO_MANY_ENTRIES', archive([{ name: 'a' }, { name: 'b' }]), { entries: 1 }],
  [
    'a directory of nothing but fields',
    'ARCHIVE_DIRECTORY_TOO_LARGE',
    archive(
      Array.from({ length: 80 }, (_, at) => ({ name: `${at}`, centralExtra: extra([0x9999, Buffer.alloc(60_000)]) })),
    ),
  ],
  ['a file that is too large', 'ARCHIVE_ENTRY_TOO_LARGE', archive([good]), { fileBytes: 4 }],
  ['a file that claims to be too large', 'ARCHIVE_ENTRY_TOO_LARGE', archive([claims({ size: 0xfffffff0 })])],
  ['too much in all', 'ARCHIVE_TOTAL_TOO_LARGE', archive([{ name: 'a' }, { name: 'b' }]), { totalBytes: 9 }],
  ['a bomb', 'ARCHIVE_RATIO', archive([{ name: 'zeros', content: Buffer.alloc(MB) }])],
];

test.each(hostile)('%s is refused', async (_what, code, ...[bytes, limits]) => {
  expect(await refusal(bytes, limits)).toBe(code);
});

test('there is an archive for every code', () => {
  const tried = new Set(hostile.map(([, code]) => code));
  expect(Object.keys(statusOfArchiveCode).filter((code) => !tried.has(code))).toEqual([]);
});

test('too much of anything is 413, no zip is 415, everything else is understood and refused', () => {
  expect(statusOfCode.PACKAGE_TOO_LARGE).toBe(413);
  expect(statusOfCode.NOT_A_ZIP).toBe(415);
  const tooMuch = Object.entries(statusOfArchiveCode).filter(([, status]) => status === 413);
  expect(tooMuch.map(([code]) => code).sort()).toEqual([
    'ARCHIVE_DIRECTORY_TOO_LARGE',
    'ARCHIVE_ENTRY_TOO_LARGE',
    'ARCHIVE_RATIO',
    'ARCHIVE_TOO_MANY_ENTRIES',
    'ARCHIVE_TOTAL_TOO_LARGE',
  ]);
});

describe('what honest tools write is accepted', () => {
  const content = Buffer.from('a file written by a stream');
  const data = deflateRawSync(content);
  const streamed = { name: 'streamed.txt', content, flags: 8, local: { crc: 0, compressed: 0, size: 0 } };

  test.each([
    ['a stored and a deflated file', archive([{ name: 'a', method: 0 }, { name: 'b' }])],
    ['a comment', archive([good], { comment: Buffer.from('made by hand, '.repeat(20)) })],
    ['a folder', archive([{ name: 'lib/', content: nothing, method: 0 }, { name: 'lib/a.js' }])],
    ['a folder made on Unix', archive([{ name: 'd/', content: nothing, method: 0, ...unixType(0o040755) }])],
    ['an empty file', archive([{ name: 'empty', content: nothing }])],
    ['an empty stored file', archive([{ name: 'empty', content: nothing, method: 0 }])],
    ['a streamed file', archive([{ ...streamed, descriptor: descriptorOf(content, data) }])],
    [
      'a streamed file, descriptor unsigned',
      archive([{ ...streamed, descriptor: descriptorOf(content, data, false) }]),
    ],
    ['no entry at all', archive([])],
    ['an extra field with a time', archive([{ name: 'a', centralExtra: extra([0x5455, Buffer.alloc(5)]) }])],
    ['a field that is aligned with zeros', archive([{ name: 'a', localExtra: Buffer.alloc(3) }])],
    ['a name in other letters', archive([{ name: 'Übersicht/レポート.md' }])],
    ['a large file', archive([{ name: 'noise', content: Buffer.alloc(3 * MB, 'noise'), method: 0 }])],
  ])('%s', async (_what, bytes) => {
    expect(await refusal(bytes)).toBe('accepted');
  });
});

describe('a package', () => {
  const manifest = {
    ...{ id: 'small', name: 'Small', description: 'Small', version: '1.0', type: 'feature' },
    ...{ author: { name: 'A' }, tags: [], permissions: [] },
  };
  const text = JSON.stringify(manifest);
  const packed = (files: Record<string, string>) =>
    archive(Object.entries(files).map(([name, content]) => ({ name, content: Buffer.from(content) })));
  const codeOf = (files: Record<string, string>) =>
    takenIn(packed(files)).then(
      () => 'accepted',
      (error: unknown) => (error instanceof PlatformError ? error.code : error),
    );
  const filesIn = async ({ bytes }: TakenPackage) => {
    const { files } = await Open.buffer(bytes);
    return new Map(
      await Promise.all(files.map(async (file) => [file.path, (await file.buffer()).toString()] as const)),
    );
  };

  test('comes out byte for byte, without the one folder around it and what Macs add', async () => {
    const noise = Array.from({ length: 30_000 }, (_, at) => `line ${at}`).join('\n');
    const files = { 'top/manifest.json': text, 'top/lib/a.js': noise, '__MACOSX/top/._a.js': 'x', 'top/empty': '' };
    const found = await filesIn(await takenIn(packed(files)));
    expect([...found]).toEqual([
      ['empty', ''],
      ['lib/a.js', noise],
      ['manifest.json', text],
    ]);
  });

  test('is the same from the same files, whatever stands around them, and its version is in full', async () => {
    const one = await takenIn(packed({ 'manifest.json': text, 'index.js': '1' }));
    const other = await takenIn(packed({ 'x/index.js': '1', 'x/manifest.json': text }));
    expect(one.bytes.equals(other.bytes)).toBe(true);
    expect(one.manifest.version).toBe('1.0.0');
  });

  test(
    'is taken in again as what it is',
    async () => {
      const { bytes } = await takenIn(packed({ 'manifest.json': text, 'index.ts': 'export default 1 as number' }));
      expect((await takenIn(bytes)).bytes.equals(bytes)).toBe(true);
    },
    TRANSLATED_WITHIN_MS,
  );

  test('without a manifest, or with one that is not JSON, is refused', async () => {
    expect(await codeOf({ 'index.js': '' })).toBe('MANIFEST_MISSING');
    expect(await codeOf({ 'a/manifest.json': text, 'b/index.js': '' })).toBe('MANIFEST_MISSING');
    expect(await codeOf({ 'manifest.json': '{' })).toBe('MANIFEST_INVALID');
    expect(await codeOf({ 'manifest.json': `"${'a'.repeat(2 * MB)}"` })).toBe('ARCHIVE_RATIO');
  });

  test('with a bad manifest is told everything that is wrong with it at once, each with its place and a hint', async () => {
    const bad = { ...manifest, id: 'Bad Id', version: 'one', type: 'thing', config: { key: { type: 'text' } } };
    const error = await takenIn(packed({ 'manifest.json': JSON.stringify(bad) })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'MANIFEST_INVALID' });
    const { issues } = (error as PlatformError).details as {
      issues: { path: string; message: string; hint: string }[];
    };
    expect(issues.map(({ path }) => path).sort()).toEqual(['/config/key/type', '/id', '/type', '/version']);
    for (const { message, hint } of issues) expect([message, hint].filter((words) => words.length < 5)).toEqual([]);
  });

  test('warns of what is missing beside it: icon, changelog, README', async () => {
    const { warnings } = await takenIn(
      packed({ 'manifest.json': text, 'icon.png': '<svg>', 'CHANGELOG.md': '## 0.9' }),
    );
    expect(warnings).toEqual([
      '/icon.png icon.png is no PNG file, or a damaged one. Export it again',
      '/CHANGELOG.md CHANGELOG.md does not mention version 1.0.0. Add a section "## [1.0.0]"',
      '/README.md README.md is missing. Tell people what the plugin does',
    ]);
  });

  test(
    'in TypeScript is translated with what it imports; index.js goes before index.ts',
    async () => {
      const typescript = {
        'manifest.json': text,
        'index.ts': `import { two } from './lib/two.ts'; export default { two: two as number };`,
        'lib/two.ts': 'export const two: number = 2;',
      };
      expect((await filesIn(await takenIn(packed(typescript)))).get('index.js')).toContain('two');
      const both = await takenIn(packed({ ...typescript, 'index.js': '/* mine */' }));
      expect((await filesIn(both)).get('index.js')).toBe('/* mine */');
      expect(await codeOf({ ...typescript, 'lib/two.ts': 'export const = ;' })).toBe('MANIFEST_INVALID');
      expect(await codeOf({ ...typescript, 'index.ts': `import '../../../etc/passwd.json'` })).toBe('MANIFEST_INVALID');
    },
    TRANSLATED_WITHIN_MS,
  );

  test(
    'whose source brings the translator down is refused, and the next one is translated',
    async () => {
      const deep = `x = ${'!'.repeat(1_200_000)}1 // ${pluginArchive({ id: 'noise', version: '1.0.0' }).checksum}`;
      const source = archive([
        { name: 'manifest.json', content: Buffer.from(text) },
        { name: 'index.ts', content: Buffer.from(deep), method: 0 },
      ]);
      await expect(takenIn(source)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
      expect(await codeOf({ 'manifest.json': text, 'index.ts': 'export default 1' })).toBe('accepted');
    },
    TRANSLATED_WITHIN_MS,
  );
});
