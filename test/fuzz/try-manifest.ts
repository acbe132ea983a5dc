import { isDeepStrictEqual } from 'node:util';
import { readManifest, type ManifestIssue } from '@verifywise/contracts';
import { mutatedManifest } from './manifest-cases.ts';
import { Random } from './random.ts';

/** As many as a person is shown, and the line that says how many more there are. */
const MOST_ISSUES = 101;

/** Reads a mutated manifest by both profiles. The answer is how it ended; what is thrown is a crash, and so is an answer that makes no sense. */
export function tryManifest(seed: number, index: number): string {
  const text = mutatedManifest(new Random(seed, index));
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return 'not JSON';
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
