import type {
  HostResponse,
  Installation,
  MiddlewareFailure,
  MiddlewareOutcome,
  MiddlewareRun,
  Surface,
} from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { LogLevel, MiddlewareAnswer, MiddlewareCall, WireError } from '../isolate/protocol.ts';
import { wireError } from '../isolate/protocol.ts';
import type { Participant } from '../participants.ts';
import { reserveOf, rethrowIfMoved, wakeAll } from '../participants.ts';
import { createMatching } from './matching.ts';
import { headersForHost, headersForPlugins, withoutFraming } from './passing-headers.ts';
import { readAnswer } from './read-answer.ts';

/** A plugin as far as middleware needs it. */
export interface MiddlewarePlugin {
  readonly pluginId: string;
  readonly surface: Pick<Surface, 'middleware'> | undefined;
  readonly calls: { middleware(call: MiddlewareCall, limitMs: number): Promise<MiddlewareAnswer> };
  /** Into the plugin's own log. */
  log(level: LogLevel, message: string, meta?: unknown): void;
}

export interface MiddlewareHosting {
  /** In the order in which the tenant enabled them. */
  enabledPlugins(tenant: string): { pluginId: string; surface: Surface; granted: Installation['granted'] }[];
  enabledPlugin(tenant: string, pluginId: string): Promise<MiddlewarePlugin>;
}

export type RunMiddleware = (
  tenant: string,
  run: MiddlewareRun,
  options: { deadlineMs: number },
) => Promise<MiddlewareOutcome>;

type Call = Omit<MiddlewareCall, 'entries' | 'limitMs' | 'deadlineMs'>;

/** Runs one phase of one request through the middleware of all of a tenant's plugins (S:23.7). */
export function createRunMiddleware(hosting: MiddlewareHosting, limitMs: number): RunMiddleware {
  const matching = createMatching();

  return async function runMiddleware(tenant, run, { deadlineMs }) {
    const { wayBackMs, graceMs } = reserveOf(deadlineMs);
    const until = performance.now() + deadlineMs - wayBackMs;
    const remainingMs = () => until - performance.now();
    const { phase, request } = run;
    const failures: MiddlewareFailure[] = [];
    let call: Call = {
      phase,
      request: { ...request, headers: headersForPlugins(request.headers) },
      ...(run.phase === 'after' ? { state: run.state, response: run.response } : { state: {} }),
    };

    const taking = hosting.enabledPlugins(tenant).flatMap(({ pluginId, surface, granted }) => {
      if (!granted.includes('middleware:inject')) return [];
      const known = matching(surface, phase, request.url);
      return known.entries.length > 0 ? [{ pluginId, known }] : [];
    });
    const participants = await wakeAll(
      taking.map(({ pluginId }) => pluginId),
      (pluginId) => hosting.enabledPlugin(tenant, pluginId),
      remainingMs(),
    );

    for (const [index, participant] of participants.entries()) {
      const { pluginId } = participant;
      // Woken, it has added its middleware anew.
      const surface = participant.kind === 'awake' ? participant.plugin.surface : undefined;
      const matched = surface ? matching(surface, phase, request.url) : taking[index]?.known;
      if (!matched || matched.entries.length === 0) continue;
      const answer = await ask(
        participant,
        { ...call, entries: matched.entries },
        remainingMs() - graceMs,
        graceMs,
      ).catch((error: unknown): MiddlewareAnswer => {
        rethrowIfMoved(error);
        return matched.failClosed
          ? { kind: 'refuse', failures: [wireError(error)] }
          : { ...call, kind: 'continue', failures: [wireError(error)] };
      });
      for (const failure of answer.failures) {
        failures.push({ pluginId, message: failure.message });
        if (participant.kind === 'awake') report(participant.plugin, call, failure);
      }
      if (answer.kind === 'refuse')
        return { kind: 'respond', pluginId, response: unavailable(pluginId), state: call.state, failures };
      if (answer.kind === 'respond') {
        const { response, state } = answer;
        return { kind: 'respond', pluginId, response: withoutFraming(response), state, failures };
      }
      call = { ...call, ...changedBy(answer, call) };
    }

    const { response, state } = call;
    const headers = headersForHost(call.request.headers, request.headers);
    const changed = { headers, ...('body' in call.request ? { body: call.request.body } : {}) };
    const answered = response ? { response: withoutFraming(response) } : {};
    return { kind: 'continue', request: changed, ...answered, state, failures };
  };

  async function ask(
    participant: Participant<MiddlewarePlugin>,
    call: Omit<MiddlewareCall, 'limitMs' | 'deadlineMs'>,
    patienceMs: number,
    graceMs: number,
  ): Promise<MiddlewareAnswer> {
    if (participant.kind === 'unreachable') throw participant.error;
    const deadlineMs = Math.min(call.entries.length * limitMs, patienceMs);
    if (deadlineMs <= 0) throw new PlatformError('HANDLER_TIMED_OUT', 'No time was left for its middleware');
    return readAnswer(
      await participant.plugin.calls.middleware({ ...call, limitMs, deadlineMs }, deadlineMs + graceMs),
    );
  }
}

function changedBy({ request, response, state }: MiddlewareAnswer & { kind: 'continue' }, call: Call): Partial<Call> {
  const { body: _before, ...rest } = call.request;
  // Nothing else of a request may change on its way: who asks for what is for the host to say.
  const changed = { headers: request.headers, ...('body' in request ? { body: request.body } : {}) };
  return { request: { ...rest, ...changed }, state, ...(response ? { response } : {}) };
}

function report(plugin: MiddlewarePlugin, { phase, request }: Call, { message, code, stack }: WireError): void {
  const path = request.url.split('?', 1)[0] ?? '';
  plugin.log('error', `Middleware ${phase} ${request.method} ${path} failed: ${message}`, { code, stack });
}

/** The usual envelope: the request was neither let through nor refused by anybody's decision. */
function unavailable(pluginId: string): HostResponse {
  const message = `${pluginId} guards this request and could not say whether it may pass; try again in a moment`;
  return {
    status: 503,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: { success: false, error: { code: 'UNAVAILABLE', message } },
  };
}
