import { runInNewContext } from 'node:vm';

/** Long enough for any rule about a setting, short enough to look at. */
export const LONGEST_PATTERN = 500;
/** Patterns are for addresses, keys and names, not for texts. */
const LONGEST_MATCHED = 10_000;
/** An honest pattern needs microseconds; this much of an admin's request may be spent on another. */
const MATCHING_DEADLINE_MS = 50;

/** Why a pattern may not be used, or undefined when it may: it must compile, be short, and repeat nothing that repeats. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > LONGEST_PATTERN) return `is longer than ${LONGEST_PATTERN} characters`;
  try {
    new RegExp(pattern);
  } catch {
    return 'is not a regular expression';
  }
  return hasNestedRepetition(pattern) ? 'repeats a group that itself repeats, which can take for ever' : undefined;
}

export type PatternOutcome = 'matches' | 'differs' | 'too long' | 'too slow';

/** Matches a value against an author's pattern and gives up rather than hold the process. */
export function matchPattern(pattern: string, value: string): PatternOutcome {
  if (value.length > LONGEST_MATCHED) return 'too long';
  if (patternProblem(pattern) !== undefined) return 'too slow';
  try {
    // Only a vm script can be stopped in the middle of a regular expression.
    const found: unknown = runInNewContext('new RegExp(pattern).test(value)', { pattern, value }, vmLimit);
    return found === true ? 'matches' : 'differs';
  } catch {
    return 'too slow';
  }
}

const vmLimit = { timeout: MATCHING_DEADLINE_MS };

interface Group {
  /** Whether something in it repeats without bound. */
  endless: boolean;
  /** Whether something in it may have more than one length. */
  variable: boolean;
}

/** A quantifier at this place: how it counts and how long its text is. */
interface Repetition {
  min: number;
  max: number;
  length: number;
}

/** Whether a repeated group holds a repetition, as in `(a+)+`: the shape that makes matching exponential. */
function hasNestedRepetition(pattern: string): boolean {
  const open: Group[] = [{ endless: false, variable: false }];
  let at = 0;
  while (at < pattern.length) {
    const char = pattern[at];
    let inner: Group = { endless: false, variable: false };
    if (char === '(') {
      open.push(inner);
      at += 1;
      // What follows `(?` says the kind of group; its `?` is no quantifier.
      if (pattern[at] === '?') at += 2;
      continue;
    }
    if (char === ')') inner = open.pop() ?? inner;
    at = afterAtom(pattern, at);
    const repetition = repetitionAt(pattern, at);
    at += repetition.length;
    if (repetition.max > 1 && inner.endless) return true;
    if (repetition.max === Infinity && inner.variable) return true;

    const outer = open.at(-1);
    if (outer === undefined) return false;
    outer.endless ||= inner.endless || repetition.max === Infinity;
    outer.variable ||= inner.variable || repetition.max !== repetition.min;
  }
  return false;
}

/** The place behind one character, escape or character class. */
function afterAtom(pattern: string, at: number): number {
  if (pattern[at] === '\\') return at + 2;
  if (pattern[at] !== '[') return at + 1;
  let end = at + 1;
  while (end < pattern.length && pattern[end] !== ']') end += pattern[end] === '\\' ? 2 : 1;
  return end + 1;
}

const BRACES = /\{(\d+)(,?)(\d*)\}/y;

function repetitionAt(pattern: string, at: number): Repetition {
  const found = bareRepetitionAt(pattern, at);
  // A `?` behind a quantifier only makes it lazy.
  const lazy = found.length > 0 && pattern[at + found.length] === '?';
  return lazy ? { ...found, length: found.length + 1 } : found;
}

function bareRepetitionAt(pattern: string, at: number): Repetition {
  if (pattern[at] === '*') return { min: 0, max: Infinity, length: 1 };
  if (pattern[at] === '+') return { min: 1, max: Infinity, length: 1 };
  if (pattern[at] === '?') return { min: 0, max: 1, length: 1 };
  BRACES.lastIndex = at;
  const braces = BRACES.exec(pattern);
  if (braces === null) return { min: 1, max: 1, length: 0 };
  const min = Number(braces[1]);
  const max = braces[2] === '' ? min : braces[3] === '' ? Infinity : Number(braces[3]);
  return { min, max, length: braces[0].length };
}
