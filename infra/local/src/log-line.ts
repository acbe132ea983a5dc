/** What a service's logger writes, as far as it is read here. */
interface LogRecord {
  level?: number;
  msg?: string;
  err?: { message?: string };
}

/** pino's number for "error". */
const ERROR_LEVEL = 50;

/** The line of a log that tells best why its process ended: the last that sounds like a reason, else the last one. */
export function tellingLine(text: string): string | undefined {
  const lines = text.split('\n').flatMap(readLine);
  return (lines.findLast((line) => line.soundsBad) ?? lines.at(-1))?.text;
}

function readLine(line: string): { text: string; soundsBad: boolean }[] {
  const trimmed = line.trim();
  if (!/[a-z]/i.test(trimmed)) return [];
  const record = asRecord(trimmed);
  if (record === undefined) return [{ text: trimmed, soundsBad: soundsBad(trimmed) }];
  const said = [record.msg, record.err?.message].filter((part) => part !== undefined).join(': ');
  return [{ text: said, soundsBad: (record.level ?? 0) >= ERROR_LEVEL }];
}

function soundsBad(line: string): boolean {
  // The frames of a stack trace name files, and files are named after errors.
  return !line.startsWith('at ') && /error|fatal|fail|cannot|could not|denied|in use|missing/i.test(line);
}

function asRecord(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogRecord;
  } catch {
    // A brace begins many lines that are no records.
    return undefined;
  }
}
