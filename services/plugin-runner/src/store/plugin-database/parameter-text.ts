/** A parameter as PostgreSQL reads it: dates in UTC, objects as JSON, lists as arrays, bytes as they are. */
export function parameterText(value: unknown): string | Buffer | null {
  switch (typeof value) {
    case 'undefined':
      return null;
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? null : objectText(value);
    default:
      throw new TypeError(`A ${typeof value} is no parameter of a statement`);
  }
}

function objectText(value: object): string | Buffer {
  const bytes = bytesOf(value);
  if (bytes) return bytes;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return arrayText(value);
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? part.toString() : part));
}

function bytesOf(value: object): Buffer | undefined {
  if (Buffer.isBuffer(value)) return value;
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return undefined;
}

function arrayText(list: readonly unknown[]): string {
  return `{${list.map(elementText).join(',')}}`;
}

function elementText(element: unknown): string {
  if (Array.isArray(element)) return arrayText(element);
  const text = parameterText(element);
  if (text === null) return 'NULL';
  const escaped = Buffer.isBuffer(text) ? `\\\\x${text.toString('hex')}` : text.replace(/[\\"]/g, '\\$&');
  return `"${escaped}"`;
}
