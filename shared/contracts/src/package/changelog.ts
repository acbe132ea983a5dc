import { parseVersion } from '../manifest/versions.ts';

/** `## [1.1.0] - 2024-12-15`, and the same without brackets or date (S: App. B). */
const VERSION_HEADING = /^##\s+\[?([^\]\s]+)\]?/;

/** What a changelog in the Keep a Changelog format says about a version; undefined when it does not mention it. */
export function changesOf(version: string, changelog: string): string | undefined {
  const lines = changelog.split(/\r?\n/);
  const first = lines.findIndex((line) => versionIn(line) === version);
  if (first === -1) return undefined;
  const next = lines.findIndex((line, index) => index > first && line.startsWith('## '));
  return lines
    .slice(first + 1, next === -1 ? lines.length : next)
    .join('\n')
    .trim();
}

function versionIn(line: string): string | undefined {
  const heading = VERSION_HEADING.exec(line)?.[1];
  return heading === undefined ? undefined : parseVersion(heading);
}
