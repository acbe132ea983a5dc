import { pointer, type ManifestIssue } from './issue.ts';

/** Far beyond any real manifest; they keep reading quick and its recursion shallow. */
const DEEPEST = 32;
const MOST_VALUES = 20_000;
const LONGEST_TEXT = 1_000_000;
const LONGEST_KEY = 500;
/** Of all places together, written out as in an issue: one key above thousands of values is repeated in each of them. */
const LONGEST_PATHS = 5_000_000;

/**
 * Why a JSON value may not go any further: too large, too deep, or with text that a database cannot hold.
 * Looks at every value once and without recursion, so no input makes it slow or overflow.
 */
export function storableIssues(json: unknown, what = 'The manifest'): ManifestIssue[] {
  const issues: ManifestIssue[] = [];
  const waiting: { value: unknown; path: string; depth: number }[] = [{ value: json, path: '', depth: 0 }];
  let values = 0;
  let [characters, paths] = [0, 0];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, path, depth } = next;
    values += 1;
    paths += path.length;
    if (paths > LONGEST_PATHS) return [tooMuch(`${what} has keys that are too long for so many values`)];
    if (values > MOST_VALUES) return [tooMuch(`${what} has more than ${MOST_VALUES} values`)];
    if (typeof value === 'string') {
      characters += value.length;
      if (!isStorable(value)) issues.push(unstorable(path));
    }
    if (typeof value === 'object' && value !== null) {
      if (depth === DEEPEST) return [tooMuch(`${what} is nested more than ${DEEPEST} levels deep`)];
      for (const [key, inner] of Object.entries(value)) {
        characters += key.length;
        if (key.length > LONGEST_KEY) return [tooMuch(`${what} has a key of more than ${LONGEST_KEY} characters`)];
        if (key === '__proto__' || !isStorable(key)) issues.push(unusableKey(path));
        if (waiting.length > MOST_VALUES) return [tooMuch(`${what} has more than ${MOST_VALUES} values`)];
        waiting.push({ value: inner, path: pointer(path, key), depth: depth + 1 });
      }
    }
    if (characters > LONGEST_TEXT) return [tooMuch(`${what} is longer than ${LONGEST_TEXT} characters`)];
  }
  return issues;
}

/** PostgreSQL keeps neither NUL nor half a surrogate pair. */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

function tooMuch(message: string): ManifestIssue {
  return { path: '', message, hint: 'Make it smaller' };
}

function unstorable(path: string): ManifestIssue {
  return { path, message: 'The text has a NUL or a broken character in it', hint: 'Write it anew, in UTF-8' };
}

function unusableKey(path: string): ManifestIssue {
  return { path, message: 'A key here cannot be used', hint: 'Rename or remove keys such as __proto__' };
}
