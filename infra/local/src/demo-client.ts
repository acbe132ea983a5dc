import { demoToken } from './demo-token.ts';
import { StartError } from './start-error.ts';

/** Installing runs two hooks of up to two minutes each (contract §4); everything else is quicker. */
const ANSWERS_WITHIN_MS = 60_000;
/** Events are handled within milliseconds; a runner that was killed is back within seconds. */
const HAPPENS_WITHIN_MS = 30_000;
const LOOK_AGAIN_MS = 100;

/** What came back, and the two parts of the platform's envelope. */
export interface Answer {
  status: number;
  data: Record<string, unknown>;
  error: { code?: string; message?: string };
}

/** One person of one tenant in front of the platform's HTTP. */
export class DemoClient {
  readonly tenant: string;
  readonly #platformUrl: string;
  readonly #token: string | undefined;

  constructor(platformUrl: string, tenant: string, token: string | undefined) {
    this.#platformUrl = platformUrl;
    this.tenant = tenant;
    this.#token = token;
  }

  static async login(platformUrl: string, tenant: string, role: string): Promise<DemoClient> {
    return new DemoClient(platformUrl, tenant, await demoToken(platformUrl, tenant, role));
  }

  get(path: string): Promise<Answer> {
    return this.#request('GET', path);
  }

  put(path: string, body: unknown): Promise<Answer> {
    return this.#request('PUT', path, body);
  }

  post(path: string, body: unknown = {}): Promise<Answer> {
    return this.#request('POST', path, body);
  }

  async #request(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#platformUrl}${path}`, {
      method,
      headers: {
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    });
    const text = await response.text();
    const envelope = parsed(text) as { data?: Answer['data']; error?: Answer['error'] };
    return { status: response.status, data: envelope.data ?? {}, error: envelope.error ?? {} };
  }
}

function parsed(text: string): object {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return { error: { code: 'NOT_JSON', message: text.slice(0, 200) } };
  }
}

/** Throws, with what was seen instead, unless the answer has this status and, when given, this error code. */
export function expectAnswer(answer: Answer, status: number, code?: string): Answer {
  const seen = `${answer.status} ${answer.error.code ?? ''} ${answer.error.message ?? ''}`.trim();
  if (answer.status !== status) throw new StartError(`expected status ${status} and saw ${seen}`);
  if (code !== undefined && answer.error.code !== code) throw new StartError(`expected ${code} and saw ${seen}`);
  return answer;
}

/** Throws with both values unless they are the same when written as JSON. */
export function expectSame(what: string, seen: unknown, expected: unknown): void {
  if (JSON.stringify(seen) === JSON.stringify(expected)) return;
  throw new StartError(`expected ${what} to be ${JSON.stringify(expected)} and saw ${JSON.stringify(seen)}`);
}

/** Looks again until `look` no longer throws; then gives what it saw. */
export async function eventually<Seen>(look: () => Promise<Seen>): Promise<Seen> {
  const until = Date.now() + HAPPENS_WITHIN_MS;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
