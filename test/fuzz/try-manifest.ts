import { isDeepStrictEqual } from 'node:util';
import { effectiveConfig, PlatformError, readManifest, type ManifestIssue } from '@verifywise/contracts';
import { assertManifestSize, manifestJson } from '../../services/installer/src/package/manifest-file.ts';
import { mutatedManifest } from './manifest-cases.ts';
import { Random } from './random.ts';

/** As many as a person is shown, and the line that says how many more there are. */
const MOST_ISSUES = 101;

/** Settings with their defaults; what an installer and a runner hold of each plugin. */
const MOST_SETTINGS = 300_000;

/**
 * Reads the file of a mutated manifest as the installer does, and by both profiles. The answer is how it ended; what is thrown is a crash,
 * and so is an answer that makes no sense.
 */
export function tryManifest(seed: number, index: number): string {
  const file = Buffer.from(mutatedManifest(new Random(seed, index)));
  let json: unknown;
  try {
    assertManifestSize(file.length);
    json = manifestJson(file);
  } catch (error) {
    if (error instanceof PlatformError) return /is (larger|not JSON)/.exec(error.message)?.[0] ?? error.message;
    throw error;
  }
  const [publish, install] = [readManifest(json, 'publish'), readManifest(json, 'install')];
  for (const reading of [publish, install]) {
    if (!reading.ok) assertIssues(reading.issues);
    else assertIssues(reading.warnings, 0);
  }
  if (!install.ok) return publish.ok ? 'published, but not installed' : 'refused';
  const again = readManifest(structuredClone(install.manifest), 'install');
  if (!again.ok)
    throw new Error(`What was accepted is refused when it is read again: ${JSON.stringify(again.issues[0])}`);
  if (!isDeepStrictEqual(again.manifest, install.manifest))
    throw new Error('What was normalised changes when it is read again');
  const settings = JSON.stringify(effectiveConfig(install.manifest.config, {})).length;
  if (settings > MOST_SETTINGS) throw new Error(`Its settings are filled up to ${settings} characters`);
  return publish.ok ? 'published' : 'installed';
}

function assertIssues(issues: readonly ManifestIssue[], least = 1): void {
  if (issues.length < least || issues.length > MOST_ISSUES) throw new Error(`It has ${issues.length} issues`);
  for (const { path, message, hint } of issues) {
    if (message === '' || hint === '' || !(path === '' || path.startsWith('/'))) {
      throw new Error(`An issue says too little: ${JSON.stringify({ path, message, hint })}`);
    }
  }
}
