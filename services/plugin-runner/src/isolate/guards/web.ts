import type { GuardParts } from './guards.ts';
import { passOn, replace } from './replace.ts';

/** `fetch` and `WebSocket`: their connections are guarded as sockets; here their errors become those a plugin expects. */
export function guardWeb({ settings }: GuardParts): void {
  replace(globalThis, 'fetch', (original) => {
    return async function fetch(...args: unknown[]) {
      settings.need('http:outbound', `Fetching ${target(args[0])}`);
      try {
        return await (passOn(original, globalThis, args) as Promise<Response>);
      } catch (error) {
        throw refusalIn(error) ?? error;
      }
    };
  });

  // Made when first used: it brings the whole of undici with it, which most plugins never need. Describing or redefining Node's own
  // property would load it too, deleting does not; http has the same class.
  Reflect.deleteProperty(globalThis, 'WebSocket');
  const original = () => process.getBuiltinModule('node:http').WebSocket;
  let guarded: unknown;
  const guard = () =>
    new Proxy(original(), {
      construct: (constructor, args, newTarget) => {
        settings.need('http:outbound', `Opening a WebSocket to ${target(args[0])}`);
        return Reflect.construct(constructor, args, newTarget) as object;
      },
    });
  Object.defineProperty(globalThis, 'WebSocket', {
    get: () => (guarded ??= guard()),
    set: (value: unknown) => (guarded = value),
    configurable: true,
    enumerable: false,
  });
}

/** Without what may be a secret: paths and queries carry tokens. */
function target(input: unknown): string {
  const text = input instanceof Request ? input.url : String(input);
  return URL.parse(text)?.host ?? 'an address';
}

/** `fetch` wraps what its connection failed with. */
function refusalIn(error: unknown): unknown {
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return cause?.code === 'EGRESS_REFUSED' || cause?.code === 'PERMISSION_DENIED' ? cause : undefined;
}
