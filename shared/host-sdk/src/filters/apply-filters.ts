import { FILTER_DATA_LIMIT_BYTES, PlatformError, RunFilters, isTenant } from '@verifywise/contracts';
import type { FilterData, FilterName, FilterPayloads } from '@verifywise/plugin-types';
import { inTime } from '../asking/in-time.ts';
import type { TenantAsking } from '../asking/tenant-asking.ts';
import type { Log } from '../log.ts';
import type { TenantOffers } from '../surfaces/tenant-offers.ts';
import { keepUnchanged } from './unchanged-parts.ts';

/** The data of a filter: typed for the platform's own, an object for every other. */
export type FilterDataOf<Name extends string> = Name extends FilterName ? FilterPayloads[Name] : FilterData;

export interface ApplyFiltersOptions {
  /** Milliseconds that plugins may take; default 1000. */
  deadlineMs?: number;
  correlationId?: string;
}

export type ApplyFilters = <Name extends string, Data extends FilterDataOf<NoInfer<Name>>>(
  tenant: string,
  filter: Name,
  data: Data,
  options?: ApplyFiltersOptions,
) => Promise<Data>;

/** As long as one handler may take in the runner, because a filter usually has one. */
const DEADLINE_MS = 1_000;

/** Filters of plugins over the host's data (contract §1). See `PluginHost.applyFilters`. */
export function createApplyFilters(offers: TenantOffers, ask: TenantAsking, log: Log): ApplyFilters {
  return async function applyFilters(tenant, filter, data, { deadlineMs = DEADLINE_MS, correlationId } = {}) {
    assertFilter(tenant, filter, data);
    const until = performance.now() + deadlineMs;
    const asking = offers.of(tenant);
    const offer = asking instanceof Promise ? await inTime(asking, deadlineMs) : asking;
    if (offer?.filters.has(filter) === false) return data;
    const passUnchanged = (error: unknown): typeof data => {
      log.warn({ err: error, tenant, filter }, 'A filter was not applied; the data goes on as it is');
      return data;
    };
    if (offer === undefined) {
      const message = `What the plugins of ${tenant} offer is not known`;
      return passUnchanged(new PlatformError('UNAVAILABLE', message));
    }

    const bytes = Buffer.byteLength(JSON.stringify(data));
    if (bytes > FILTER_DATA_LIMIT_BYTES) {
      const message = `It has ${bytes} bytes as JSON, and ${FILTER_DATA_LIMIT_BYTES} is the most a filter takes`;
      return passUnchanged(new PlatformError('TOO_LARGE', message));
    }
    try {
      const about = { tenant, payload: { filter, data }, ...(correlationId === undefined ? {} : { correlationId }) };
      const outcome = await ask(RunFilters, about, until - performance.now());
      const { applied, errors } = outcome;
      if (errors.length > 0) log.warn({ tenant, filter, errors }, 'Handlers of a filter were left out');
      // Plugins see JSON; what they make of it has the shape that the filter's name says.
      return applied === 0 ? data : (keepUnchanged(data, outcome.data) as typeof data);
    } catch (error) {
      return passUnchanged(error);
    }
  };
}

function assertFilter(tenant: string, filter: string, data: unknown): void {
  if (!isTenant(tenant))
    throw new PlatformError('FILTER_INVALID', `"${String(tenant)}" is no tenant: ${filter} was not applied`);
  if (Object.prototype.toString.call(data) === '[object Object]' && filter !== '') return;
  throw new PlatformError('FILTER_INVALID', `The data of the filter "${filter}" must be an object with named fields`);
}
