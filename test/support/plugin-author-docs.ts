import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const PAGES = join(import.meta.dirname, '../../docs/plugin-authors');
const BLOCK = /^```(\S*)\n([^]*?)^```$/gm;
const FILE = /^\/\/ file: (\S+)\n/;

/** A plugin as a page prints it: the manifest, and the files that follow it. */
export interface DocExample {
  page: string;
  manifest: Record<string, unknown> & { id: string };
  files: Record<string, string>;
}

export interface AuthorDocs {
  examples: DocExample[];
  /** Blocks that are neither part of a plugin nor commands for a shell. */
  unknown: string[];
}

/** Every plugin of docs/plugin-authors: a JSON block is a manifest, the blocks after it that begin with `// file:` are its code. */
export async function readAuthorDocs(): Promise<AuthorDocs> {
  const docs: AuthorDocs = { examples: [], unknown: [] };
  for (const page of (await readdir(PAGES)).filter((name) => name.endsWith('.md')).sort()) {
    const text = await readFile(join(PAGES, page), 'utf8');
    for (const [, language = '', code = ''] of text.matchAll(BLOCK)) readBlock(docs, page, language, code);
  }
  return docs;
}

function readBlock({ examples, unknown }: AuthorDocs, page: string, language: string, code: string): void {
  if (language === 'sh') return;
  if (language === 'json') {
    examples.push({ page, manifest: JSON.parse(code) as DocExample['manifest'], files: {} });
    return;
  }
  const file = FILE.exec(code)?.[1];
  const example = examples.at(-1);
  if ((language === 'js' || language === 'ts') && file !== undefined && example?.page === page) {
    example.files[file] = code;
  } else unknown.push(`${page}: ${code.slice(0, 80)}`);
}
