import { randomUUID } from 'node:crypto';

/** What wraps every message on the broker. The payload never says who sent it; the envelope and the channel do. */
export interface Envelope<Payload = unknown> {
  /** Unique per message and the same on every redelivery: what handlers use to notice a duplicate. */
  id: string;
  /** The name of the fact, work or question: `risk.created`, `runner.run-hook`. */
  type: string;
  /** The tenant it is about; null when it concerns the whole platform. */
  tenant: string | null;
  /** When it happened, ISO 8601 in UTC. */
  time: string;
  /** The same for everything that follows from one request. */
  correlationId: string;
  /** W3C trace context, when the sender traces. */
  traceparent?: string;
  /** Which service or host sent it. */
  source: string;
  payload: Payload;
}

export interface EnvelopeParts<Payload> {
  type: string;
  tenant: string | null;
  payload: Payload;
  source: string;
  id?: string | undefined;
  time?: Date | undefined;
  correlationId?: string | undefined;
  traceparent?: string | undefined;
}

/** Wraps a payload; what is not given (id, time, correlation) is made here. */
export function envelope<Payload>(parts: EnvelopeParts<Payload>): Envelope<Payload> {
  const id = parts.id ?? randomUUID();
  return {
    id,
    type: parts.type,
    tenant: parts.tenant,
    time: (parts.time ?? new Date()).toISOString(),
    correlationId: parts.correlationId ?? id,
    ...(parts.traceparent === undefined ? {} : { traceparent: parts.traceparent }),
    source: parts.source,
    payload: parts.payload,
  };
}

/** The envelope in these bytes, or undefined when they are no envelope (a foreign or broken message). */
export function readEnvelope(bytes: Uint8Array): Envelope | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
  return isEnvelope(value) ? value : undefined;
}

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Record<string, unknown>;
  return (
    typeof candidate.id === 'string' &&
    typeof candidate.type === 'string' &&
    (candidate.tenant === null || isTenant(candidate.tenant)) &&
    typeof candidate.time === 'string' &&
    typeof candidate.correlationId === 'string' &&
    typeof candidate.source === 'string' &&
    (candidate.traceparent === undefined || typeof candidate.traceparent === 'string') &&
    'payload' in candidate
  );
}

const TENANT = /^[A-Za-z0-9_-]{1,64}$/;

/** A tenant id is `[A-Za-z0-9_-]{1,64}` (contract §5). */
export function isTenant(value: unknown): value is string {
  return typeof value === 'string' && TENANT.test(value);
}
