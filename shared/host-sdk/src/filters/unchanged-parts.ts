/**
 * What plugins have made of the data, with the host's own values wherever they are the same when written as JSON: a date that no plugin
 * has touched is still that date, and what JSON leaves out is still there.
 */
export function keepUnchanged(original: unknown, changed: unknown): unknown {
  if (isSame(original, changed)) return original;
  if (original instanceof Date && typeof changed === 'string') return dateOr(changed);
  if (Array.isArray(original) && Array.isArray(changed)) {
    return changed.map((item, index) => keepUnchanged(original[index], item));
  }
  if (!isPlain(original) || !isPlain(changed)) return changed;
  return Object.fromEntries(
    Object.entries(changed).map(([name, value]) => [name, keepUnchanged(original[name], value)]),
  );
}

/** A date stays one when a plugin has set another; what is none is left as it is. */
function dateOr(text: string): Date | string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}
