import dns from 'node:dns';
import type { GuardParts } from './guards.ts';
import { append, isArray, isIP } from './intrinsics.ts';
import { functionsOf, passOn, replace } from './replace.ts';

/** The port of name servers that are given without one. */
const DNS_PORT = 53;
/** These ask nobody, or are guarded apart. */
const HARMLESS = new Set([
  'getServers',
  'setServers',
  'getDefaultResultOrder',
  'setDefaultResultOrder',
  'setLocalAddress',
  'cancel',
]);

/** Questions to name servers, in all four forms that Node has for them. */
export function guardNames({ settings, denials, egress }: GuardParts): void {
  const ask = (name: unknown) => settings.need('http:outbound', `Looking up ${String(name)}`);
  /** The servers as they were checked: a list of the plugin's own may say something else when it is read again. */
  const checkedServers = (servers: unknown): unknown => {
    settings.need('http:outbound', 'Choosing name servers');
    if (!isArray(servers)) return servers;
    const checked: unknown[] = [];
    const { length } = servers;
    for (let at = 0; at < length; at += 1) {
      const server: unknown = servers[at];
      append(checked, server);
      // What is no address Node refuses with an error of its own.
      if (typeof server !== 'string') continue;
      const { address, port } = splitServer(server);
      const refused = isIP(address) ? egress.refusal({ host: address, port, address }) : undefined;
      if (refused) throw denials.of(refused);
    }
    return checked;
  };

  const forms = [
    ...[dns, dns.Resolver.prototype].map((form) => ({ form, rejects: false })),
    ...[dns.promises, dns.promises.Resolver.prototype].map((form) => ({ form, rejects: true })),
  ];
  for (const { form, rejects } of forms) {
    for (const name of functionsOf(form).filter((name) => !HARMLESS.has(name))) {
      replace(form, name, (original) => {
        return function asking(this: unknown, ...args: unknown[]) {
          try {
            ask(args[0]);
          } catch (error) {
            // A promise that rejects is what the caller of a promise function waits for.
            if (!rejects) throw error;
            return Promise.resolve().then(() => {
              throw error;
            });
          }
          return passOn(original, this, args);
        };
      });
    }
    // A resolver inherits it, so it is not among its own.
    replace(form, 'setServers', (original) => {
      return function setServers(this: unknown, ...args: unknown[]) {
        return passOn(original, this, [checkedServers(args[0])]);
      };
    });
  }
}

/** `8.8.8.8`, `8.8.8.8:53`, `2001:db8::1` and `[2001:db8::1]:53`. */
function splitServer(server: string): { address: string; port: number } {
  const parts = /^\[([^\]]+)\](?::(\d+))?$/.exec(server) ?? /^([^:]+)(?::(\d+))?$/.exec(server);
  return { address: parts?.[1] ?? server, port: Number(parts?.[2] ?? DNS_PORT) };
}
