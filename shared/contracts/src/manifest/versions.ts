import type { PluginCompatibility } from '@verifywise/plugin-types';
import semver from 'semver';

/** Longer texts are no versions; it also keeps matching quick. */
const LONGEST = 256;

const NUMBERS = String.raw`\d{1,15}`;
const TAIL = String.raw`(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?`;
const VERSION = new RegExp(`^v?(${NUMBERS}\\.${NUMBERS})(\\.${NUMBERS})?(${TAIL})$`);
const COMPARATOR = new RegExp(`^(>=|<=|>|<|=|\\^|~)?v?(${NUMBERS}\\.${NUMBERS})(\\.${NUMBERS})?(${TAIL})$`);
const WILDCARD = new RegExp(`^(?:[*xX]|(?:>=|<=|>|<|=|\\^|~)?v?${NUMBERS}(?:\\.${NUMBERS})?\\.[*xX])$`);

/**
 * A version in its full form: `1.2` is `1.2.0`, a leading `v` and build data after `+` are dropped (S:16.1, contract §3).
 * Undefined when the text is no version.
 */
export function parseVersion(text: string): string | undefined {
  if (text.length > LONGEST) return undefined;
  const parts = VERSION.exec(text);
  if (parts === null) return undefined;
  return semver.valid(`${parts[1] ?? ''}${parts[2] ?? '.0'}${parts[3] ?? ''}`) ?? undefined;
}

/** Below 0 when `a` is the older one, above 0 when it is the newer one. What is no version sorts before every version. */
export function compareVersions(a: string, b: string): number {
  const [first, second] = [parseVersion(a), parseVersion(b)];
  if (first === undefined || second === undefined) return Number(first !== undefined) - Number(second !== undefined);
  return semver.compare(first, second);
}

/**
 * Whether a version is in a range: the operators of S:16.2, `*`, comparators joined by spaces (and) or `||` (or).
 * A pre-release is only in a range that names a pre-release of the same version. False when either text cannot be read.
 */
export function satisfies(version: string, range: string): boolean {
  const parsed = parseVersion(version);
  const readable = readableRange(range);
  return parsed !== undefined && readable !== undefined && semver.satisfies(parsed, readable);
}

/** Whether `satisfies` understands this range. */
export function isVersionRange(range: string): boolean {
  return readableRange(range) !== undefined;
}

/** The range as semver reads it the way we mean it: `>1.2` is `>1.2.0`, where semver alone would say `>=1.3.0`. */
function readableRange(range: string): string | undefined {
  if (range.length > LONGEST) return undefined;
  const alternatives: string[] = [];
  for (const alternative of range.split('||')) {
    const comparators: string[] = [];
    // An operator may stand apart from its version, `>= 1.0.0`.
    for (const word of alternative.replaceAll(/(>=|<=|>|<|=|\^|~)\s+/g, '$1').split(/\s+/)) {
      if (word === '') continue;
      const comparator = readableComparator(word);
      if (comparator === undefined) return undefined;
      comparators.push(comparator);
    }
    if (comparators.length === 0) return undefined;
    alternatives.push(comparators.join(' '));
  }
  return semver.validRange(alternatives.join(' || ')) ?? undefined;
}

function readableComparator(word: string): string | undefined {
  if (WILDCARD.test(word)) return word;
  const parts = COMPARATOR.exec(word);
  if (parts === null) return undefined;
  return `${parts[1] ?? ''}${parts[2] ?? ''}${parts[3] ?? '.0'}${parts[4] ?? ''}`;
}

export type Compatibility = { compatible: true } | { compatible: false; reason: string };

/** Whether a plugin runs on this version of VerifyWise (S:16.3); if not, why, in a sentence for the admin. */
export function checkCompatibility(hostVersion: string, compatibility: PluginCompatibility): Compatibility {
  const { minVersion, maxVersion } = compatibility;
  if (minVersion !== undefined && compareVersions(hostVersion, minVersion) < 0) {
    return incompatible(`Plugin requires VerifyWise ${minVersion} or higher; this is ${hostVersion}`);
  }
  if (maxVersion !== undefined && compareVersions(hostVersion, maxVersion) > 0) {
    return incompatible(`Plugin runs on VerifyWise up to ${maxVersion}; this is ${hostVersion}`);
  }
  return { compatible: true };
}

/**
 * The version to install when none is named: the newest release that runs on this VerifyWise; where none does, the newest release, which
 * is then refused with the reason; a pre-release only where there is nothing else.
 */
export function newestToInstall<Version extends { version: string; compatibility: PluginCompatibility }>(
  versions: readonly Version[],
  hostVersion: string,
): Version | undefined {
  const newestFirst = versions.toSorted((a, b) => compareVersions(b.version, a.version));
  const releases = newestFirst.filter(({ version }) => !version.includes('-'));
  const runs = releases.find(({ compatibility }) => checkCompatibility(hostVersion, compatibility).compatible);
  return runs ?? releases[0] ?? newestFirst[0];
}

function incompatible(reason: string): Compatibility {
  return { compatible: false, reason };
}
