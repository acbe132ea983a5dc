import dgram from 'node:dgram';
import net from 'node:net';
import { constants } from 'node:os';
import { EgressRefusedError } from './egress.ts';
import type { GuardParts } from './guards.ts';
import { numberOf, textOf } from './intrinsics.ts';
import { passOn, replace } from './replace.ts';

/** What a function of a handle answers when the kernel does not let it. */
const NOT_PERMITTED = -constants.errno.EACCES;

/** A plugin that came so far has gone round the guards that would have told it more. */
const aroundGuards = (where: string) =>
  new EgressRefusedError(`A plugin may not reach ${where} with a handle of Node's own`);

/**
 * The last step before the kernel: whatever code does on the way with the objects of Node that lie between, the address that is checked
 * here is the one that is connected to.
 */
export function guardHandles({ settings, denials, egress }: GuardParts): void {
  /** Whether nothing may be sent there, which is then in the plugin's log. */
  const isRefused = (address: string, port: number): boolean => {
    if (settings.has('http:outbound') && !egress.refusal({ host: address, port, address })) return false;
    denials.of(aroundGuards(`${address} at port ${port}`));
    return true;
  };
  const { tcp, pipe, udp } = handlePrototypes();

  for (const name of ['connect', 'connect6']) {
    replace(tcp, name, (original) => {
      return function connect(this: unknown, request: unknown, to: unknown, at: unknown) {
        const address = textOf(to);
        const port = numberOf(at);
        return isRefused(address, port) ? NOT_PERMITTED : passOn(original, this, [request, address, port]);
      };
    });
    replace(udp, name, (original) => {
      return function connect(this: unknown, to: unknown, at: unknown) {
        const address = textOf(to);
        const port = numberOf(at);
        return isRefused(address, port) ? NOT_PERMITTED : passOn(original, this, [address, port]);
      };
    });
  }
  for (const name of ['send', 'send6']) {
    replace(udp, name, (original) => {
      return function send(
        this: unknown,
        request: unknown,
        list: unknown,
        length: unknown,
        at: unknown,
        ...rest: unknown[]
      ) {
        // Without an address it goes where the socket was connected to, and the fourth says whether somebody waits for it.
        if (rest.length === 0) return passOn(original, this, [request, list, length, at]);
        const address = textOf(rest[0]);
        const port = numberOf(at);
        if (isRefused(address, port)) return NOT_PERMITTED;
        return passOn(original, this, [request, list, length, port, address, rest[1]]);
      };
    });
  }
  replace(pipe, 'connect', () => {
    return function connect(_request: unknown, path: unknown) {
      denials.of(aroundGuards(`the Unix socket ${textOf(path)}`));
      return NOT_PERMITTED;
    };
  });
}

/** Node names these nowhere, and every socket has one of them; none of those made here reaches anything. */
function handlePrototypes(): { tcp: object; pipe: object; udp: object } {
  const tcp = new net.Socket().connect({ host: 'nowhere', port: 1, lookup: () => undefined });
  const pipe = new net.Socket().on('error', () => undefined).connect('/');
  const udp = dgram.createSocket('udp4');
  const state = Object.getOwnPropertySymbols(udp).find(({ description }) => description === 'state symbol');
  try {
    return {
      tcp: prototypeOf(tcp, '_handle'),
      pipe: prototypeOf(pipe, '_handle'),
      udp: prototypeOf(Reflect.get(udp, state ?? '') as object, 'handle'),
    };
  } finally {
    tcp.destroy();
    pipe.destroy();
    udp.close();
  }
}

function prototypeOf(holder: object, handle: string): object {
  return Object.getPrototypeOf(Reflect.get(holder, handle)) as object;
}
