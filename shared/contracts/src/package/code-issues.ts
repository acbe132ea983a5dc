import { pluginEntries } from '../manifest/plugin-entries.ts';
import type { ManifestIssue } from '../manifest/issue.ts';

/** Transpiled to the first of the others when the package is taken in. */
const TYPESCRIPT_ENTRY = 'index.ts';
const CODE = /(?<!\.d)\.[cm]?[jt]sx?$/i;
const LIKELY_ENTRY = /(^|\/)(index|main|plugin)\.[^/]+$/i;
const MOST_NAMED = 3;

/** Code that nothing of is ever run, because the package has no file that a plugin begins with: an error when publishing, a warning when installing. */
export function codeIssues(paths: readonly string[]): ManifestIssue[] {
  const entries = [...pluginEntries, TYPESCRIPT_ENTRY];
  if (entries.some((entry) => paths.includes(entry))) return [];
  const code = paths.filter((path) => CODE.test(path) && !path.includes('node_modules/'));
  if (code.length === 0) return [];
  const found = code.toSorted((a, b) => likelihood(b) - likelihood(a) || a.localeCompare(b)).slice(0, MOST_NAMED);
  const more = code.length > MOST_NAMED ? ` and ${code.length - MOST_NAMED} more` : '';
  return [
    {
      path: '',
      message: `The package has no ${listed(entries)} at its root, so that none of its code is run; found ${found.join(', ')}${more}`,
      hint: 'Put the file that exports the plugin beside manifest.json under one of these names, in small letters; "main" of package.json is not read',
    },
  ];
}

/** The nearer to the root, and the more like a beginning. */
function likelihood(path: string): number {
  return (LIKELY_ENTRY.test(path) ? 100 : 0) - path.split('/').length;
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}
