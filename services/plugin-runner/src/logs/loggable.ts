/** A line longer than this is cut: a log is for reading. */
const LONGEST_TEXT = 16_384;
/** What is longer by far is not even searched for secrets: a plugin may write lines of many megabytes. */
const READ_AT_MOST = 64 * LONGEST_TEXT;
/** What is nested deeper is not read by anybody. */
const DEEPEST = 12;

/** Replaces what must not be read in a log. */
export type Mask = (text: string) => string;

/** The text of a line, masked, as long as a line may be, and without what PostgreSQL cannot keep. */
export function loggableText(text: string, mask: Mask): string {
  // Masked before it is cut, so that no cut leaves half a secret.
  return cut(mask(text.slice(0, READ_AT_MOST)).replaceAll('\0', '\uFFFD'));
}

/** The `meta` of a line as JSON, every text in it masked; null when there is nothing to say. */
export function loggableMeta(meta: unknown, mask: Mask): string | null {
  if (meta === undefined || meta === null) return null;
  try {
    const json = JSON.stringify(plain(meta, mask, 0)) as string | undefined;
    if (json === undefined) return null;
    return json.length > LONGEST_TEXT ? JSON.stringify(cut(json)) : json;
  } catch {
    // A getter that throws, a number too big for JSON: what cannot be written down is not worth a lost line.
    return JSON.stringify('(cannot be shown)');
  }
}

function plain(value: unknown, mask: Mask, depth: number): unknown {
  if (typeof value === 'string') return loggableText(value, mask);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEEPEST) return '…';
  if (value instanceof Date) return value;
  if (value instanceof Error) {
    const { message, stack } = value;
    const code = (value as { code?: unknown }).code;
    return plain({ message, stack, ...(typeof code === 'string' ? { code } : {}) }, mask, depth);
  }
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (Array.isArray(value)) return value.map((entry) => plain(entry, mask, depth + 1));
  const entries: [string, unknown][] = Object.entries(value);
  return Object.fromEntries(entries.map(([key, entry]) => [loggableText(key, mask), plain(entry, mask, depth + 1)]));
}

function cut(text: string): string {
  // Last of all, since the cut itself may leave half a character.
  return (text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text).toWellFormed();
}
