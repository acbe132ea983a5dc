import { RE2JS } from 're2js';
import { isObject } from './json-object.ts';

/** Long enough for any rule about a setting, short enough to look at. */
export const LONGEST_PATTERN = 500;
/** Steps a pattern may take for one character of a value: what it holds, each as often as it is counted. */
const LARGEST_PATTERN = 500;
/** The same for all patterns of a manifest together: what compiling them may cost. */
const ALL_PATTERNS = 5_000;
/** Steps all patterns may take for the values of one request: a tenth of a second at the very most (docs/decisions/0012). */
const STEPS_PER_REQUEST = 500_000;
/** Patterns that are kept compiled. */
const KEPT = 200;

/** Why a pattern may not be used: it is none, or it cannot be matched in bounded time. */
export interface PatternProblem {
  kind: 'broken' | 'unsupported';
  what: string;
}

/** Undefined when the pattern may be used. */
export function patternProblem(pattern: string): PatternProblem | undefined {
  if (pattern.length > LONGEST_PATTERN) return broken(`is longer than ${LONGEST_PATTERN} characters`);
  if (!isRegularExpression(pattern)) return broken('is no regular expression');
  if (sizeOf(pattern) > LARGEST_PATTERN) return unsupported('counts too far');
  if (compiled(pattern) !== undefined) return undefined;
  return unsupported('looks ahead or behind, refers back, or is written as only JavaScript understands it');
}

/** Whether the patterns anywhere in this JSON are more than can be compiled while others wait. */
export function hasTooManyPatterns(json: unknown): boolean {
  return sizeOfAll(json) > ALL_PATTERNS;
}

export type PatternOutcome = 'matches' | 'differs' | 'too long' | 'unusable';

/** Matches values against patterns, and gives up before that takes long; one for each request. */
export class PatternMatching {
  #steps = STEPS_PER_REQUEST;

  match(pattern: string, value: string): PatternOutcome {
    if (patternProblem(pattern) !== undefined) return 'unusable';
    this.#steps -= sizeOf(pattern) * (value.length + 1);
    if (this.#steps < 0) return 'too long';
    return compiled(pattern)?.test(value) === true ? 'matches' : 'differs';
  }
}

function broken(what: string): PatternProblem {
  return { kind: 'broken', what };
}

function unsupported(what: string): PatternProblem {
  return { kind: 'unsupported', what };
}

function isRegularExpression(pattern: string): boolean {
  try {
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}

const kept = new Map<string, RE2JS | undefined>();

/** RE2 takes time that grows with the value's length and no faster, whatever the pattern; it refuses what would break that. */
function compiled(pattern: string): RE2JS | undefined {
  if (kept.has(pattern)) return kept.get(pattern);
  if (kept.size >= KEPT) kept.clear();
  const made = compile(pattern);
  kept.set(pattern, made);
  return made;
}

function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch {
    return undefined;
  }
}

// Recursion is safe here: a manifest nested more than 32 levels deep never comes this far.
function sizeOfAll(json: unknown): number {
  if (Array.isArray(json)) return json.reduce<number>((sum, inner) => sum + sizeOfAll(inner), 0);
  if (!isObject(json)) return 0;
  return Object.entries(json).reduce((sum, [key, inner]) => {
    const isPattern = key === 'pattern' && typeof inner === 'string' && inner.length <= LONGEST_PATTERN;
    return sum + (isPattern ? Math.min(sizeOf(inner), LARGEST_PATTERN + 1) : sizeOfAll(inner));
  }, 0);
}

/** A quantifier at this place: how it counts and how long its text is. */
interface Repetition {
  min: number;
  max: number;
  length: number;
}

/** At most how many instructions the pattern becomes, found without compiling it: `(a{9}){9}` is short and large. */
function sizeOf(pattern: string): number {
  const open = [0];
  let at = 0;
  while (at < pattern.length) {
    if (pattern[at] === '(') {
      open.push(0);
      at += 1;
      // What follows `(?` says the kind of group; its `?` is no quantifier.
      if (pattern[at] === '?') at += 2;
      continue;
    }
    const atom = pattern[at] === ')' && open.length > 1 ? (open.pop() ?? 0) + 2 : 1;
    at = afterAtom(pattern, at);
    const { min, max, length } = repetitionAt(pattern, at);
    at += length;
    const times = Math.max(1, max === Infinity ? min + 1 : max);
    open.push((open.pop() ?? 0) + (length === 0 ? atom : (atom + 1) * times));
  }
  return open.reduce((sum, size) => sum + size, 0);
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
