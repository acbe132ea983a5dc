/** One thing that is wrong, or doubtful, in a manifest or in config values: where, what, and what to do about it. */
export interface ManifestIssue {
  /** JSON Pointer: `/config/apiKey/type`; empty for the whole. */
  path: string;
  message: string;
  hint: string;
}

/** Notes something that is read all the same. */
export type Warn = (path: string, message: string, hint: string) => void;

/** A path one step deeper, with the escapes of JSON Pointer (RFC 6901). */
export function pointer(path: string, key: string | number): string {
  return `${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** As many as a person will read; a hostile manifest could have a million. */
const ISSUES_SHOWN = 100;

/** The first issues, and a last line that says how many more there are. */
export function shortened(issues: ManifestIssue[]): ManifestIssue[] {
  if (issues.length <= ISSUES_SHOWN) return issues;
  const more = issues.length - ISSUES_SHOWN;
  return [
    ...issues.slice(0, ISSUES_SHOWN),
    { path: '', message: `There are ${more} more problems`, hint: 'Mend these first' },
  ];
}
