import { PlatformError } from '@verifywise/contracts';
import CircuitBreaker from 'opossum';
import { isError } from '../errors/thrown.ts';

export interface BreakerOptions {
  /** What is protected, as it appears in the message: `registry official`. */
  name: string;
  /** How long nothing is tried after it opened; 30 s unless said. */
  resetAfterMs?: number;
  /** Opens when this share of calls fails, in percent; 50 unless said. */
  failurePercent?: number;
  /** …of at least so many calls; 5 unless said. */
  atLeastCalls?: number;
  /** …within this time; 10 s unless said. */
  withinMs?: number;
  /** False for an error that says nothing of the other side's health, such as 404. */
  isFailure?: (error: unknown) => boolean;
}

export interface Breaker<Args extends unknown[], Result> {
  /** Calls, or rejects at once with CircuitOpenError. */
  call(...args: Args): Promise<Result>;
  readonly state: 'closed' | 'half-open' | 'open';
  close(): void;
}

/** Not even tried, because it failed too often a moment ago. */
export class CircuitOpenError extends PlatformError {
  constructor(name: string, resetAfterMs: number) {
    const retryAfterSeconds = Math.ceil(resetAfterMs / 1_000);
    super('UNAVAILABLE', `${name} failed too often and is left alone for ${retryAfterSeconds} s`, {
      details: { retryAfterSeconds },
    });
  }
}

/** Stops calling what keeps failing and tries again later. The call itself must have a deadline of its own. */
export function breaker<Args extends unknown[], Result>(
  options: BreakerOptions,
  call: (...args: Args) => Promise<Result>,
): Breaker<Args, Result> {
  const { name, resetAfterMs = 30_000, failurePercent = 50, atLeastCalls = 5, withinMs = 10_000 } = options;
  const { isFailure = () => true } = options;
  const circuit = new CircuitBreaker<Args, Result>(call, {
    name,
    timeout: false,
    resetTimeout: resetAfterMs,
    errorThresholdPercentage: failurePercent,
    volumeThreshold: atLeastCalls,
    rollingCountTimeout: withinMs,
    errorFilter: (error) => !isFailure(error),
  });
  return {
    async call(...args) {
      try {
        return await circuit.fire(...args);
      } catch (error) {
        if (isError(error) && CircuitBreaker.isOurError(error)) throw new CircuitOpenError(name, resetAfterMs);
        throw error;
      }
    },
    get state() {
      if (circuit.halfOpen) return 'half-open';
      return circuit.opened ? 'open' : 'closed';
    },
    close: () => circuit.shutdown(),
  };
}
