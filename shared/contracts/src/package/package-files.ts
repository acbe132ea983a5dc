import type { ManifestIssue } from '../manifest/issue.ts';
import { changesOf } from './changelog.ts';
import { pngSize } from './png-size.ts';

const ICON_PIXELS = 64;

/** The files S:4.3 asks for beside manifest and code; undefined for one that is not there. */
export type FilesBeside = Record<'icon.png' | 'CHANGELOG.md' | 'README.md', Buffer | undefined>;

/** Everything that is wrong with the files beside a manifest of this version: errors when publishing, warnings when installing. */
export function packageFileIssues(version: string | undefined, files: FilesBeside): ManifestIssue[] {
  return [...iconIssues(files['icon.png']), ...changelogIssues(version, files), ...readmeIssues(files['README.md'])];
}

function iconIssues(icon: Buffer | undefined): ManifestIssue[] {
  const issue = (message: string, hint: string) => [{ path: '/icon.png', message: `icon.png ${message}`, hint }];
  const pixels = `${ICON_PIXELS}×${ICON_PIXELS}`;
  if (icon === undefined) return issue('is missing', `Add a PNG of ${pixels} pixels`);
  const size = pngSize(icon);
  if (size === undefined) return issue('is no PNG file, or a damaged one', 'Export it again');
  if (size.width === ICON_PIXELS && size.height === ICON_PIXELS) return [];
  return issue(`is ${size.width}×${size.height} pixels`, `Make it ${pixels}`);
}

function changelogIssues(version: string | undefined, files: FilesBeside): ManifestIssue[] {
  const issue = (message: string, hint: string) => [
    { path: '/CHANGELOG.md', message: `CHANGELOG.md ${message}`, hint },
  ];
  const changelog = files['CHANGELOG.md'];
  if (changelog === undefined) return issue('is missing', 'Describe each version under a heading');
  if (version === undefined || changesOf(version, changelog.toString('utf8')) !== undefined) return [];
  return issue(`does not mention version ${version}`, `Add a section "## [${version}]"`);
}

function readmeIssues(readme: Buffer | undefined): ManifestIssue[] {
  const hint = 'Tell people what the plugin does';
  if (readme === undefined) return [{ path: '/README.md', message: 'README.md is missing', hint }];
  if (readme.toString('utf8').trim() !== '') return [];
  return [{ path: '/README.md', message: 'README.md is empty', hint }];
}
