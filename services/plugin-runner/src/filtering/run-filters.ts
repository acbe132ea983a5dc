import type { FilterOutcome, FilterRun, Installation, Surface } from '@verifywise/contracts';
import { FILTER_DATA_LIMIT_BYTES, PlatformError } from '@verifywise/contracts';
import type { FilterAnswer, FilterCall, LogLevel, WireError } from '../isolate/protocol.ts';
import { wireError } from '../isolate/protocol.ts';
import { reserveOf, rethrowIfMoved, wakeAll } from '../participants.ts';
import type { ChainLink } from './filter-chain.ts';
import { filterChain, takesPart } from './filter-chain.ts';

/** A plugin as far as filters need it. */
export interface FilteringPlugin {
  readonly pluginId: string;
  readonly surface: Pick<Surface, 'filters'> | undefined;
  readonly calls: { filter(call: FilterCall, limitMs: number): Promise<FilterAnswer> };
  /** Into the plugin's own log. */
  log(level: LogLevel, message: string, meta?: unknown): void;
}

export interface FilteringHosting {
  /** In the order in which the tenant enabled them. */
  enabledPlugins(tenant: string): { pluginId: string; surface: Surface; granted: Installation['granted'] }[];
  enabledPlugin(tenant: string, pluginId: string): Promise<FilteringPlugin>;
}

export interface RunFiltersOptions {
  /** Milliseconds after which nobody waits for the outcome any more. */
  deadlineMs: number;
  /** The filters inside of whose handlers this one is applied. */
  within?: string[];
  /** A plugin that is being started and cannot be asked before this is done. */
  without?: string;
}

export type RunFilters = (tenant: string, run: FilterRun, options: RunFiltersOptions) => Promise<FilterOutcome>;

/** Runs one filter over all of a tenant's plugins; whatever a plugin does, the last good value comes out (contract §1). */
export function createRunFilters(hosting: FilteringHosting, limitMs: number): RunFilters {
  return async function runFilters(tenant, { filter, data }, { deadlineMs, within = [], without }) {
    const { wayBackMs, graceMs } = reserveOf(deadlineMs);
    const until = performance.now() + deadlineMs - wayBackMs;
    const remainingMs = () => until - performance.now();
    const outcome: FilterOutcome = { data, applied: 0, errors: [] };
    const leftOut = (pluginId: string, error: WireError) => outcome.errors.push({ pluginId, message: error.message });

    const taking = hosting
      .enabledPlugins(tenant)
      .filter(({ pluginId, surface, granted }) => {
        return pluginId !== without && granted.includes('filters:add') && takesPart(filter, surface);
      })
      .map(({ pluginId }) => pluginId);
    if (taking.length === 0) return outcome;

    const awake: FilteringPlugin[] = [];
    for (const participant of await wakeAll(taking, (id) => hosting.enabledPlugin(tenant, id), remainingMs())) {
      if (participant.kind === 'awake') awake.push(participant.plugin);
      else leftOut(participant.pluginId, participant.error);
    }
    // Only now, because a plugin that was woken has added its handlers anew.
    for (const link of filterChain(filter, awake)) {
      const { plugin } = link;
      const failed = (error: WireError) => {
        leftOut(plugin.pluginId, error);
        const { code, stack } = error;
        plugin.log('error', `A handler of the filter ${filter} was left out: ${error.message}`, { code, stack });
      };
      try {
        const patienceMs = Math.min(link.handlers.length * limitMs, remainingMs() - graceMs);
        const call = { filter, data: outcome.data, limitMs, within, deadlineMs: patienceMs };
        const answer = await askPlugin(link, call, graceMs);
        outcome.data = answer.data;
        outcome.applied += answer.applied;
        answer.errors.forEach(failed);
      } catch (error) {
        rethrowIfMoved(error);
        failed(wireError(error));
      }
    }
    return outcome;
  };
}

async function askPlugin(
  { plugin, handlers }: ChainLink<FilteringPlugin>,
  call: Omit<FilterCall, 'handlers'>,
  graceMs: number,
): Promise<FilterAnswer> {
  if (call.deadlineMs <= 0) throw new PlatformError('HANDLER_TIMED_OUT', 'No time was left for it');
  return readAnswer(await plugin.calls.filter({ ...call, handlers }, call.deadlineMs + graceMs));
}

/** The isolate is the plugin's: what comes out of it is checked again before it goes to others. */
function readAnswer(answer: unknown): FilterAnswer {
  const { data, applied, errors } = (answer ?? {}) as Partial<FilterAnswer>;
  if (!isPlainObject(data) || !Number.isSafeInteger(applied) || !Array.isArray(errors) || !errors.every(isError))
    throw new PlatformError('HANDLER_FAILED', 'What it answered is no data of a filter');
  if (bytesOf(data) > FILTER_DATA_LIMIT_BYTES)
    throw new PlatformError('RESULT_TOO_LARGE', `It returned more than ${FILTER_DATA_LIMIT_BYTES} bytes`);
  return { data, applied: applied as number, errors };
}

function bytesOf(data: Record<string, unknown>): number {
  try {
    return Buffer.byteLength(JSON.stringify(data));
  } catch (error) {
    throw new PlatformError('HANDLER_FAILED', `What it returned is no JSON: ${(error as Error).message}`);
  }
}

function isError(value: unknown): value is WireError {
  return typeof (value as { message?: unknown } | null)?.message === 'string';
}

/** Whether a value may be the data of a filter. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}
