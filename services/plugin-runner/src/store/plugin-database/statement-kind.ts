/**
 * How the runner runs a statement of a plugin:
 * - `plain`: as it is, by itself;
 * - `definition`: in a transaction that is committed only when the names of its tables are right;
 * - `alone`: PostgreSQL runs it in no transaction;
 * - `savepoint`: only inside a transaction of the plugin's;
 * - `refused`: not at all.
 */
export type StatementKind = 'plain' | 'definition' | 'alone' | 'savepoint' | 'refused';

const TRANSACTION_CONTROL = new Set(['BEGIN', 'START', 'COMMIT', 'END', 'ABORT', 'ROLLBACK']);
/** COPY and LISTEN need a client that goes on talking. */
const NEEDS_A_CLIENT = new Set(['COPY', 'LISTEN', 'UNLISTEN']);
const ALONE =
  /^(VACUUM\b|CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\b|(DROP|REINDEX)\b.*\bCONCURRENTLY\b|ALTER\s+TABLE\b.*\bDETACH\s+PARTITION\b.*\bCONCURRENTLY\b)/is;
const PLAIN = new Set([
  'SELECT',
  'VALUES',
  'TABLE',
  'WITH',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'SHOW',
  'SET',
  'RESET',
]);

/** Told by the first words, which no string comes before; what is misread here PostgreSQL still guards. */
export function statementKind(sql: string): StatementKind {
  const text = withoutLiterals(sql).replace(/^[\s;(]+/, '');
  const [first = '', second = '', third = ''] = text.toUpperCase().match(/[A-Z_]+/g) ?? [];
  if (NEEDS_A_CLIENT.has(first)) return 'refused';
  if (first === 'PREPARE' && second === 'TRANSACTION') return 'refused';
  if (first === 'SAVEPOINT' || first === 'RELEASE') return 'savepoint';
  if (first === 'ROLLBACK') {
    const to = second === 'WORK' || second === 'TRANSACTION' ? third : second;
    return to === 'TO' ? 'savepoint' : 'refused';
  }
  if (TRANSACTION_CONTROL.has(first)) return 'refused';
  if (ALONE.test(text)) return 'alone';
  if (!PLAIN.has(first)) return 'definition';
  if ((first === 'SELECT' || first === 'WITH') && /\bINTO\b/i.test(text)) return 'definition';
  return 'plain';
}

/** The statement with a blank for every comment, string, quoted name and dollar-quoted text. */
function withoutLiterals(sql: string): string {
  let text = '';
  let at = 0;
  while (at < sql.length) {
    const end = endOfLiteral(sql, at);
    text += end === at ? sql.charAt(at) : ' ';
    at = Math.max(end, at + 1);
  }
  return text;
}

/** Where what begins at `at` ends; `at` itself when nothing of the kind begins there. */
function endOfLiteral(sql: string, at: number): number {
  if (sql.startsWith('--', at)) return after(sql, '\n', at);
  if (sql.startsWith('/*', at)) return endOfComment(sql, at);
  const character = sql.charAt(at);
  if (character === "'") return endOfString(sql, at, /e/i.test(sql.charAt(at - 1)));
  if (character === '"') return after(sql, '"', at + 1);
  const tag =
    character === '$'
      ? /^\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/.exec(sql.slice(at, at + 66))?.[0]
      : undefined;
  return tag === undefined ? at : after(sql, tag, at + tag.length);
}

function after(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found === -1 ? sql.length : found + mark.length;
}

/** PostgreSQL's comments nest. */
function endOfComment(sql: string, from: number): number {
  let depth = 0;
  for (let at = from; at < sql.length; at += 1) {
    if (sql.startsWith('/*', at)) {
      depth += 1;
      at += 1;
    } else if (sql.startsWith('*/', at)) {
      depth -= 1;
      at += 1;
      if (depth === 0) return at + 1;
    }
  }
  return sql.length;
}

function endOfString(sql: string, from: number, escapes: boolean): number {
  for (let at = from + 1; at < sql.length; at += 1) {
    if (escapes && sql.charAt(at) === '\\') at += 1;
    else if (sql.charAt(at) === "'") return at + 1;
  }
  return sql.length;
}
