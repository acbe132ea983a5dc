import { PlatformError } from '@verifywise/contracts';
import { breaker, type Breaker } from '@verifywise/service-kit';
import type { Registry } from '../catalogue/registry.ts';
import type { Fetched, RegistrySource, Validators } from '../registries/hands.ts';
import { guardedFetch } from './guarded-fetch.ts';

/** How much of a registry's time and of our memory one fetch may take, and how long a registry that fails is left alone. */
export interface FetchLimits {
  deadlineMs: number;
  maxBytes: number;
  leftAloneMs: number;
}

/** A refresh is rare, so few failures must be enough to leave a registry alone… */
const FAILURES_TO_OPEN = 3;
/** …also when nobody asks for one and only the time between two looks passes. */
const FAILURES_WITHIN_MS = 10 * 60_000;

type Circuit = Breaker<[Validators], Fetched>;

/** Opens the token of a registry that has one. */
export type OpenToken = (registry: Registry) => string | undefined;

/** Fetches `registry.json` by HTTP, each registry behind its own circuit breaker. */
export function registrySource(openToken: OpenToken, limits: FetchLimits): RegistrySource & { close(): void } {
  const circuits = new Map<string, { registry: string; circuit: Circuit }>();
  const forget = (name: string): void => {
    circuits.get(name)?.circuit.close();
    circuits.delete(name);
  };
  const circuitOf = (registry: Registry): Circuit => {
    const { name } = registry;
    const written = JSON.stringify(registry);
    const known = circuits.get(name);
    if (known?.registry === written) return known.circuit;
    // What failed at another address, or with another token, says nothing of this one; it may have been changed on another replica.
    forget(name);
    const options = {
      name: `The registry ${name}`,
      atLeastCalls: FAILURES_TO_OPEN,
      withinMs: FAILURES_WITHIN_MS,
      resetAfterMs: limits.leftAloneMs,
    };
    const circuit: Circuit = breaker(options, (validators) =>
      fetchDocument(registry, validators, openToken(registry), limits),
    );
    circuits.set(name, { registry: written, circuit });
    return circuit;
  };
  return {
    async fetch(registry, validators) {
      const { name } = registry;
      try {
        return await circuitOf(registry).call(validators);
      } catch (error) {
        if (error instanceof PlatformError && error.code === 'REGISTRY_INVALID') throw error;
        const why = error instanceof PlatformError ? error.message : `${name} could not be fetched`;
        throw new PlatformError('REGISTRY_UNAVAILABLE', why, { cause: error });
      }
    },
    forget,
    close() {
      for (const name of [...circuits.keys()]) forget(name);
    },
  };
}

async function fetchDocument(
  registry: Registry,
  validators: Validators,
  token: string | undefined,
  { deadlineMs, maxBytes }: FetchLimits,
): Promise<Fetched> {
  const response = await guardedFetch(registry.url, registry, {
    deadlineMs,
    maxBytes,
    headers: {
      accept: 'application/json',
      ...(validators.etag === null ? {} : { 'if-none-match': validators.etag }),
      ...(validators.lastModified === null ? {} : { 'if-modified-since': validators.lastModified }),
    },
    token,
  });
  if (response.status === 304) {
    response.discard();
    return { kind: 'unchanged' };
  }
  if (response.status !== 200) {
    response.discard();
    throw new PlatformError(
      'REGISTRY_UNAVAILABLE',
      `The registry ${registry.name} answered with status ${response.status}${whatToDo(response.status, token)}`,
    );
  }
  const text = await response.text();
  return {
    kind: 'document',
    document: parse(text, registry),
    validators: { etag: header(response.headers['etag']), lastModified: header(response.headers['last-modified']) },
  };
}

function whatToDo(status: number, token: string | undefined): string {
  if (status === 404) return '; check its url';
  if (status !== 401 && status !== 403) return '';
  return token === undefined ? '; it seems to want a token' : '; its token is not accepted, give it another';
}

function parse(text: string, { name }: Registry): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PlatformError('REGISTRY_INVALID', `What the registry ${name} sends is not JSON`, { cause });
  }
}

function header(value: string | string[] | undefined): string | null {
  return typeof value === 'string' && value.length <= 500 ? value : null;
}
