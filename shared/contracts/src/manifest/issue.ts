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
/** What is found out to say how many there are. */
const ISSUES_COUNTED = 10_000;

/** The first issues, and a last line that says how many more there are. Asks for no more of them than that takes. */
export function shortened(issues: Iterable<ManifestIssue>): ManifestIssue[] {
  const shown: ManifestIssue[] = [];
  let count = 0;
  for (const issue of issues) {
    count += 1;
    if (count <= ISSUES_SHOWN) shown.push(issue);
    if (count > ISSUES_COUNTED) break;
  }
  if (count <= ISSUES_SHOWN) return shown;
  const more = count > ISSUES_COUNTED ? `more than ${ISSUES_COUNTED - ISSUES_SHOWN}` : String(count - ISSUES_SHOWN);
  return [...shown, { path: '', message: `There are ${more} more problems`, hint: 'Mend these first' }];
}

/** Longer than any list that is read to its end. */
const LONGEST_LIST = 1_000;

/** Names in a row, cut where nobody reads on. */
export function listed(names: readonly string[]): string {
  let text = '';
  for (const [index, name] of names.entries()) {
    const longer = index === 0 ? name : `${text}, ${name}`;
    if (longer.length > LONGEST_LIST) return `${longer.slice(0, LONGEST_LIST)}…`;
    text = longer;
  }
  return text;
}
