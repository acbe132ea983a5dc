import type { PluginFailure } from '@verifywise/contracts';
import { nextWords, type Aftermath, type NextWords } from './next-words.ts';

/** What is known of an error; the message may be the plugin's own. */
export interface KnownOfError {
  code: string;
  message: string;
  /** Of a failure that a runner has seen. */
  reason?: PluginFailure['reason'];
  /** The hook or handler that ran. */
  during?: string;
  stack?: string;
  /** `installed` when not said. */
  aftermath?: Aftermath;
}

type Suggest = (error: KnownOfError, next: NextWords) => string | undefined;

/** What an admin can do about an error of a known kind (S:14.4). */
export function suggestedFix({ message, stack, ...about }: KnownOfError): string | undefined {
  const beginning = stack === undefined ? {} : { stack: stack.slice(0, READ_AT_MOST) };
  const error: KnownOfError = { ...about, ...beginning, message: message.slice(0, READ_AT_MOST) };
  const next = nextWords(about.aftermath);
  for (const suggest of kinds) {
    const fix = suggest(error, next);
    if (fix !== undefined) return fix;
  }
  return byCode(error, next);
}

/** A plugin may say anything at any length; what is wrong stands at the beginning. */
const READ_AT_MOST = 4_000;

/** The more an error says of its cause, the earlier it is recognised. */
const kinds: readonly Suggest[] = [
  permission,
  missingModule,
  outOfMemory,
  endlessLoop,
  syntaxError,
  timeout,
  missingConfig,
  database,
  network,
  leftAlone,
];

const PERMISSION = /\b(?:permission|granted|grant)\b[^a-z]{0,3}((?:[a-z]+):(?:[a-z]+))\b/i;

function permission({ code, message, aftermath }: KnownOfError, next: NextWords): string | undefined {
  const neverGiven = `The plugin wants what no plugin is given: ${next.otherVersion}, and tell its author`;
  const grant = (name: string) => {
    // Of what is not installed nothing can be granted but what its manifest declares.
    const how =
      aftermath?.kind === 'not installed'
        ? `Its author must declare the permission ${name} in manifest.json`
        : `Grant the permission ${name} if the plugin may have it`;
    return `${how}, then ${next.again}`;
  };
  if (/is never given to plugins|changes its own tables only/.test(message)) return neverGiven;
  const named = PERMISSION.exec(message)?.[1];
  if (named !== undefined) return grant(named);
  if (/ERR_ACCESS_DENIED|access to this api has been restricted/i.test(message)) {
    const flag = /--allow-(fs-read|fs-write)/.exec(message)?.[1];
    if (flag === undefined) return neverGiven;
    return grant(`filesystem:${flag === 'fs-write' ? 'write' : 'read'}`);
  }
  if (/permission denied for (schema|table|relation|view|sequence)/i.test(message)) {
    return grant('database:write (or database:read)');
  }
  return code === 'PERMISSION_DENIED' ? grant('the message names') : undefined;
}

const MISSING_MODULE = /Cannot find (?:module|package) '([^']+)'/;

function missingModule({ message, stack = '' }: KnownOfError, next: NextWords): string | undefined {
  const name = MISSING_MODULE.exec(message)?.[1];
  if (name === undefined && !/\b(ERR_)?MODULE_NOT_FOUND\b/.test(`${message} ${stack}`)) return undefined;
  const what = name === undefined ? 'something it imports' : name;
  return `The package does not contain ${what}: its author must bundle its dependencies; until then, ${next.instead}`;
}

function outOfMemory({ message, reason }: KnownOfError): string | undefined {
  const isKnown = /out of memory|allocation failed|bad_alloc|MB of (heap|memory)\b/i.test(message);
  if (reason !== 'memory' && !isKnown) return undefined;
  return 'The plugin needs more memory than a plugin gets: have it work on less at once, or ask whoever operates the platform for more (ISOLATE_HEAP_MB, ISOLATE_MEMORY_MB)';
}

function endlessLoop({ message, reason }: KnownOfError, next: NextWords): string | undefined {
  if (reason !== 'hang' && !/event loop busy/i.test(message)) return undefined;
  return `The plugin computes without a pause, perhaps in an endless loop: ${next.otherVersion}; its author must split long work up`;
}

function syntaxError({ message, stack = '' }: KnownOfError, next: NextWords): string | undefined {
  // PostgreSQL has syntax errors of its own.
  if (/syntax error at or near/i.test(message)) return undefined;
  const isKnown =
    /\bSyntaxError\b|Cannot use import statement outside a module|Unexpected (token|end of input|identifier)|Invalid or unexpected token/;
  if (!isKnown.test(message) && !/(^|\n)\s*SyntaxError\b/.test(stack)) return undefined;
  return `The code (or a text it reads as JSON) is not well-formed: ${next.otherVersion}`;
}

function timeout({ code, message, reason, during }: KnownOfError, next: NextWords): string | undefined {
  if (
    code === 'QUERY_TIMED_OUT' ||
    /statement timeout|lock timeout|statement did not finish|transaction took longer/i.test(message)
  ) {
    return `A query of the plugin takes too long: its author must make it touch fewer rows or add an index; then ${next.again}`;
  }
  const isKnown =
    code === 'HOOK_TIMED_OUT' || code === 'HANDLER_TIMED_OUT' || /did not finish within [\d.]+ s/.test(message);
  if (reason !== 'hook-timeout' && !isKnown) return undefined;
  return `${during ?? 'The plugin'} took too long: check that the services it waits for can be reached, then ${next.again}`;
}

function missingConfig({ code, message, aftermath }: KnownOfError, next: NextWords): string | undefined {
  const isKnown =
    /\b(config(uration)?|settings?|credentials?|api ?key|access ?token|token|secret|password|webhook ?url|[a-z]+(Key|Token|Url|Secret|Password))\b.{0,40}\b(missing|required|not (set|configured|provided|found|defined)|is (empty|undefined|null))\b/i.test(
      message,
    ) ||
    /\b(missing|required|no|invalid|not configured|configure|set)\b.{0,30}\b(config(uration)?|settings?|credentials?|api ?key|access ?token|webhook ?url)\b/i.test(
      message,
    );
  if (code !== 'CONFIG_MISSING' && code !== 'CONFIG_INVALID' && !isKnown) return undefined;
  // Settings can be saved once there is something that has them, and onInstall and onLoad run before that.
  if (aftermath?.kind === 'not installed')
    return `Its author must let it be installed before it has its settings, and check them in onEnable; then ${next.again}`;
  return `Check the plugin's settings and fill in what the message names, then ${next.again}`;
}

function database({ code, message, aftermath }: KnownOfError, next: NextWords): string | undefined {
  if (
    /ECONN\w+ [\d.:[\]a-f]+:5432|connection terminated|connection to PostgreSQL was lost|PostgreSQL could not go on|too many (clients|connections)|remaining connection slots|the database (system )?is (starting|shutting|not)/i.test(
      message,
    )
  ) {
    return `The database could not be reached: ${next.again}; if it fails once more, ask whoever operates the platform`;
  }
  if (
    /(relation|table|column|function|type) "[^"]*"( of relation "[^"]*")? (does not exist|already exists)/i.test(
      message,
    )
  ) {
    const once =
      aftermath === undefined || aftermath.kind === 'installed'
        ? 'reinstalling the plugin runs that again'
        : `then ${next.again}`;
    return `The tables of the plugin are not as its code expects: its author must make them so in onInstall; ${once}`;
  }
  const isKnown =
    /duplicate key value|violates [a-z -]+ constraint|syntax error at or near|deadlock detected|invalid input syntax for|its tables are named plugin_/i;
  if (
    code !== 'QUERY_FAILED' &&
    code !== 'RESULT_TOO_LARGE' &&
    code !== 'TABLE_NAME_INVALID' &&
    !isKnown.test(message)
  ) {
    return undefined;
  }
  return `The database refused a query of the plugin: ${next.otherVersion}, and give its author the message`;
}

function network({ code, message }: KnownOfError, next: NextWords): string | undefined {
  if (code === 'EGRESS_REFUSED')
    return `The plugin calls an address plugins may not reach: check its settings, or have the operator allow it, then ${next.again}`;
  if (
    !/\b(ENOTFOUND|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ETIMEDOUT|EAI_AGAIN)\b|fetch failed|socket hang up/.test(
      message,
    )
  )
    return undefined;
  return `A service the plugin calls cannot be reached: check its address in the plugin's settings, then ${next.again}`;
}

function leftAlone({ reason, message }: KnownOfError, next: NextWords): string | undefined {
  if (reason !== 'unhandled' && !/unhandled (promise )?rejection|uncaught exception/i.test(message)) return undefined;
  return `The plugin does not catch an error of its own: ${next.again}; if it fails once more, ${next.instead}, and give its author the stack`;
}

function byCode({ code, aftermath }: KnownOfError, next: NextWords): string | undefined {
  switch (code) {
    case 'HOOK_FAILED':
      return aftermath?.kind === 'not installed'
        ? `Its author finds the place in the stack; once it is mended, ${next.again}`
        : `Check the plugin's settings and its log, then ${next.again}`;
    case 'PLUGIN_LOAD_FAILED':
      return `The package does not load: ${next.otherVersion}`;
    case 'PLUGIN_CRASHED':
    case 'HANDLER_FAILED':
      return `${sentence(next.again)}; if it fails once more, ${next.instead}`;
    case 'NO_RUNNER':
      return 'No plugin runner answered: ask whoever operates the platform';
    default:
      return undefined;
  }
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
