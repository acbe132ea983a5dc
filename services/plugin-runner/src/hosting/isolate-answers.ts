import { PlatformError } from '@verifywise/contracts';
import type { HandlerFailure, IsolateCalls } from '../isolate/protocol.ts';
import { isRecord } from '../isolate/record.ts';
import { retryOf } from '../isolate/retry.ts';
import { isError } from './isolate-messages.ts';
import type { ToldError } from './told-error.ts';

/** As many failed deliveries as are kept of one plugin; a forged answer could name millions. */
const MOST_FAILURES = 1_000;
/** More than any plugin has for one event; each that is left may become a failed delivery. */
const MOST_LEFT = 10_000;

type Readers = { [Call in keyof IsolateCalls]: (answer: unknown, told: ToldError) => IsolateCalls[Call]['answer'] };

/** The isolate is the plugin's: what it answers is looked at before anything here relies on it. */
const readers: Readers = {
  setup: (answer) => ({ servesHttp: isRecord(answer) && answer.servesHttp === true }),
  settings: () => null,
  ping: () => null,
  // What it offers is looked at where it is taken over, as when it changes later.
  hook: (answer) => answer as IsolateCalls['hook']['answer'],
  event(answer, told) {
    if (!isRecord(answer) || !Array.isArray(answer.errors) || !isNumbers(answer.left, MOST_LEFT))
      return refuse('an event');
    const errors = answer.errors.slice(0, MOST_FAILURES).map((failure: unknown) => handlerFailure(failure, told));
    return { errors, left: answer.left };
  },
  job(answer) {
    return answer === 'done' || answer === 'no-handler' ? answer : refuse('a job');
  },
  // Their data is looked at where the filter and the request are known.
  filter: (answer, told) => withTold('errors', answer, told) as IsolateCalls['filter']['answer'],
  middleware: (answer, told) => withTold('failures', answer, told) as IsolateCalls['middleware']['answer'],
  awake(answer) {
    const isList = Array.isArray(answer) && answer.every((what) => typeof what === 'string');
    return isList ? answer : refuse('what keeps it awake');
  },
};

/** Throws HANDLER_FAILED when it is no answer to that call. */
export function readAnswer<Call extends keyof IsolateCalls>(
  call: Call,
  answer: unknown,
  told: ToldError,
): IsolateCalls[Call]['answer'] {
  return readers[call](answer, told);
}

function handlerFailure(failure: unknown, told: ToldError): HandlerFailure {
  if (!isError(failure)) return refuse('an event');
  const { handler, retry } = failure as Partial<HandlerFailure>;
  if (!Number.isSafeInteger(handler)) return refuse('an event');
  const wanted = retry === undefined ? undefined : retryOf(retry);
  if (retry !== undefined && !wanted) return refuse('an event');
  return { ...told(failure), handler: handler as number, ...(wanted ? { retry: wanted } : {}) };
}

function withTold(list: string, answer: unknown, told: ToldError): unknown {
  if (!isRecord(answer)) return answer;
  const errors: unknown = answer[list];
  if (!Array.isArray(errors)) return answer;
  const read = errors.slice(0, MOST_FAILURES).map((error: unknown): unknown => (isError(error) ? told(error) : error));
  return { ...answer, [list]: read };
}

function isNumbers(value: unknown, atMost: number): value is number[] {
  return Array.isArray(value) && value.length <= atMost && value.every((one) => Number.isSafeInteger(one));
}

function refuse(what: string): never {
  throw new PlatformError('HANDLER_FAILED', `What the plugin's process answered is no answer to ${what}`);
}
