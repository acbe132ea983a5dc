import dns from 'node:dns';
import type { LookupAddress } from 'node:dns';
import net from 'node:net';
import type { LookupFunction } from 'node:net';
import type { Denials } from './denials.ts';
import type { Egress } from './egress.ts';
import { EgressRefusedError } from './egress.ts';
import type { GuardParts } from './guards.ts';
import { append, create, getOwnPropertyDescriptors, isArray, isIP, numberOf, textOf } from './intrinsics.ts';
import { passOn, replace } from './replace.ts';

interface ConnectOptions {
  host?: string;
  port?: number | string;
  path?: string | null;
  lookup?: LookupFunction;
}
type Normalized = [options: ConnectOptions, done: (() => void) | null];

/** As Node itself reads the arguments of `connect` and `listen`; http, tls and fetch all end there. */
const { _normalizeArgs: normalize } = net as unknown as { _normalizeArgs: (args: unknown[]) => Normalized };
const resolve = dns.lookup as unknown as LookupFunction;

/** Connections and servers: http, https, http2, tls, fetch and WebSocket are built on these. */
export function guardNetwork({ settings, denials, egress, servers }: GuardParts): void {
  replace(net.Socket.prototype, 'connect', (original) => {
    return function connect(this: net.Socket, ...args: unknown[]) {
      // Called by Node's own connect(), the arguments are normalized already.
      const [options, done] = isArray(args[0]) ? (args[0] as Normalized) : normalize(args);
      const { path, host: named, port: portText, lookup } = options;
      const host = typeof named === 'string' && named !== '' ? named : 'localhost';
      const port = portText === undefined ? undefined : numberOf(portText);
      settings.need('http:outbound', `Connecting to ${path ? `the Unix socket ${path}` : `${host}:${port}`}`);
      const refused = path ? unixSocketRefused(path) : refusedAddress(egress, host, port);
      const checked = {
        ...(refused ? { host: 'refused', port: 1 } : { host, port: portText }),
        path: undefined,
        lookup: refused ? failing(denials.of(refused)) : checkedLookup(lookup, egress, port, denials),
      };
      // Laid over the plugin's own options, which may be frozen, or say something else when they are read again.
      const safe = create(options, getOwnPropertyDescriptors(checked)) as ConnectOptions;
      return passOn(original, this, [normalize([safe, done])]) as net.Socket;
    };
  });

  replace(net.Server.prototype, 'listen', (original) => {
    return function listen(this: net.Server, ...args: unknown[]) {
      const [{ path, port }] = normalize(args);
      settings.need('http:outbound', `Listening on ${path ?? `port ${port ?? 0}`}`);
      if (path) throw denials.of(unixSocketRefused(path));
      if (!servers.has(this)) this.once('close', () => servers.delete(this));
      servers.add(this);
      return passOn(original, this, args);
    };
  });
}

/** An address needs no lookup; names are checked when they are resolved. */
function refusedAddress(egress: Egress, host: string, port: number | undefined): EgressRefusedError | undefined {
  return isIP(host) === 0 ? undefined : egress.refusal({ host, port, address: host });
}

/** Every address that a name stands for is checked, and what was checked is what is connected to; without `own`, Node resolves it. */
export function checkedLookup(
  own: LookupFunction | undefined,
  egress: Egress,
  port: number | undefined,
  denials: Denials,
): LookupFunction {
  const saidByPlugin = typeof own === 'function';
  const lookup = saidByPlugin ? own : resolve;
  return (host, options, callback) => {
    lookup(host, options, (error, found: string | LookupAddress[], family) => {
      if (error) {
        callback(error, '', 0);
        return;
      }
      const addresses = copied(found, family);
      let refused: EgressRefusedError | undefined;
      for (let at = 0; at < addresses.length && !refused; at += 1) {
        const { address } = addresses[at] as LookupAddress;
        refused = egress.refusal({ host, port, address, saidByPlugin });
      }
      if (refused) callback(denials.of(refused), '', 0);
      else if (isArray(found)) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', family);
    });
  };
}

/** A plugin's own lookup answers with its own objects, which may say something else when they are read again. */
function copied(found: string | LookupAddress[], family: number | undefined): LookupAddress[] {
  const copies: LookupAddress[] = [];
  if (isArray(found)) {
    const { length } = found;
    for (let at = 0; at < length; at += 1) {
      const { address, family } = found[at] as LookupAddress;
      append(copies, { address: textOf(address), family });
    }
  } else append(copies, { address: textOf(found), family: family ?? 0 });
  return copies;
}

function unixSocketRefused(path: string): EgressRefusedError {
  return new EgressRefusedError(`A plugin may not reach the Unix socket ${path}: it belongs to this machine`);
}

/** A refused connection is one whose name cannot be resolved: everything built on sockets knows how to take that. */
function failing(error: Error): LookupFunction {
  return (_host, _options, callback) => callback(error, '', 0);
}
