/** One page of what is only ever added to, newest first; `next` is the `before` of the following one. */
export interface Page<Line> {
  entries: Line[];
  next: string | null;
}

/** The page of so many lines. One more was asked for than is shown: if it came, there is a next page. */
export function pageOf<Line extends { id: string }>(lines: readonly Line[], limit: number): Page<Line> {
  const entries = lines.slice(0, limit);
  return { entries, next: lines.length > limit ? (entries.at(-1)?.id ?? null) : null };
}
