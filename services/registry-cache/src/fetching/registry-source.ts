import { PlatformError } from '@verifywise/contracts';
import { breaker, type Breaker } from '@verifywise/service-kit';
import type { Registry } from '../catalogue/registry.ts';
import type { Fetched, RegistrySource, Validators } from '../registries/hands.ts';
import { guardedFetch } from './guarded-fetch.ts';

const DEADLINE_MS = 15_000;
const MAX_BYTES = 20 * 1024 * 1024;
/** A refresh is rare, so few failures must be enough to leave a registry alone. */
const FAILURES_TO_OPEN = 3;

/** Opens the token of a registry that has one. */
export type OpenToken = (registry: Registry) => string | undefined;

/** Fetches `registry.json` by HTTP, each registry behind its own circuit breaker. */
export function registrySource(openToken: OpenToken): RegistrySource & { close(): void } {
  const breakers = new Map<string, Breaker<[Registry, Validators], Fetched>>();
  const forget = (name: string): void => {
    breakers.get(name)?.close();
    breakers.delete(name);
  };
  return {
    async fetch(registry, validators) {
      const { name } = registry;
      const circuit =
        breakers.get(name) ??
        breaker({ name: `The registry ${name}`, atLeastCalls: FAILURES_TO_OPEN }, (one: Registry, known: Validators) =>
          fetchDocument(one, known, openToken(one)),
        );
      breakers.set(name, circuit);
      try {
        return await circuit.call(registry, validators);
      } catch (error) {
        if (error instanceof PlatformError && error.code === 'REGISTRY_INVALID') throw error;
        const why = error instanceof PlatformError ? error.message : `${name} could not be fetched`;
        throw new PlatformError('REGISTRY_UNAVAILABLE', why, { cause: error });
      }
    },
    forget,
    close() {
      for (const name of [...breakers.keys()]) forget(name);
    },
  };
}

async function fetchDocument(registry: Registry, validators: Validators, token: string | undefined): Promise<Fetched> {
  const response = await guardedFetch(registry.url, registry, {
    deadlineMs: DEADLINE_MS,
    maxBytes: MAX_BYTES,
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
      `The registry ${registry.name} answered with status ${response.status}`,
    );
  }
  const text = await response.text();
  return {
    kind: 'document',
    document: parse(text, registry),
    validators: { etag: header(response.headers['etag']), lastModified: header(response.headers['last-modified']) },
  };
}

function parse(text: string, { name }: Registry): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PlatformError('REGISTRY_INVALID', `What the registry ${name} sends is not JSON`, { cause });
  }
}

function header(value: string | string[] | undefined): string | null {
  return typeof value === 'string' ? value.slice(0, 500) : null;
}
