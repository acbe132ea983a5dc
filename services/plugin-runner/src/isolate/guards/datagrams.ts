import dgram from 'node:dgram';
import type { GuardParts } from './guards.ts';
import { isIP } from './intrinsics.ts';
import { checkedLookup } from './network.ts';
import { passOn, replace } from './replace.ts';

type Done = (error: Error | null) => void;

/** UDP: every datagram and every `connect` names where it goes, so each is resolved and checked here. */
export function guardDatagrams({ settings, denials, egress }: GuardParts): void {
  /** Calls `go` with the checked address; tells `failed` what is wrong with it. */
  const resolve = (socket: dgram.Socket, host: unknown, port: number, go: (address: string) => void, failed: Done) => {
    const six = (socket as unknown as { type: string }).type === 'udp6';
    // Node sends to its own machine when it is told no address.
    const name = typeof host === 'string' && host !== '' ? host : six ? '::1' : '127.0.0.1';
    const fail = (error: Error) => process.nextTick(failed, error);
    if (isIP(name)) {
      const refused = egress.refusal({ host: name, port, address: name });
      if (refused) fail(denials.of(refused));
      else go(name);
      return;
    }
    checkedLookup(
      undefined,
      egress,
      port,
      denials,
    )(name, { family: six ? 6 : 4 }, (error, address) => {
      if (error) {
        fail(error);
        return;
      }
      try {
        go(address as string);
      } catch (late) {
        // The socket was closed while the name was looked up.
        fail(late as Error);
      }
    });
  };
  const failing = (socket: dgram.Socket, callback: unknown): Done => {
    return (error) => {
      if (typeof callback === 'function') (callback as Done)(error);
      else socket.emit('error', error);
    };
  };

  replace(dgram.Socket.prototype, 'bind', (original) => {
    return function bind(this: dgram.Socket, ...args: unknown[]) {
      settings.need('http:outbound', 'Opening a UDP socket');
      return passOn(original, this, args);
    };
  });
  replace(dgram.Socket.prototype, 'connect', (original) => {
    return function connect(this: dgram.Socket, port: number, ...rest: unknown[]) {
      settings.need('http:outbound', `Connecting a UDP socket to port ${port}`);
      const [host, callback] = typeof rest[0] === 'function' ? [undefined, rest[0]] : rest;
      const go = (address: string) => passOn(original, this, [port, address, callback]);
      resolve(this, host, port, go, failing(this, callback));
    };
  });
  replace(dgram.Socket.prototype, 'send', (original) => {
    return function send(this: dgram.Socket, ...args: unknown[]) {
      settings.need('http:outbound', 'Sending a UDP datagram');
      if (isConnected(this)) {
        passOn(original, this, args);
        return;
      }
      const at = addressPosition(args);
      const callback = args.find((arg) => typeof arg === 'function');
      const go = (address: string) => {
        const checked = [...args.slice(0, at), address, ...(callback ? [callback] : [])];
        passOn(original, this, checked);
      };
      resolve(this, args[at], Number(args[at - 1]), go, failing(this, callback));
    };
  });
}

/** `send(message, port, address?, done?)` or `send(message, offset, length, port, address?, done?)`, told apart as Node does. */
function addressPosition(args: unknown[]): number {
  return args[4] || (args[3] && typeof args[3] !== 'function') ? 4 : 2;
}

function isConnected(socket: dgram.Socket): boolean {
  try {
    socket.remoteAddress();
    return true;
  } catch {
    return false;
  }
}
