import type { AddressRange } from '@verifywise/service-kit/address-range';
import { addressRange, addressWords, isInRange } from '@verifywise/service-kit/address-range';
import { isPublicAddress } from '@verifywise/service-kit/public-address';
import { isIP, lowerCase, slice } from './intrinsics.ts';

/** What a plugin gets when it reaches for an address that is not of the internet. */
export class EgressRefusedError extends Error {
  readonly code = 'EGRESS_REFUSED';
  constructor(message: string) {
    super(message);
    this.name = 'EgressRefusedError';
  }
}

/** Where to: what the plugin said, and what it was resolved to. */
export interface Destination {
  host: string;
  port: number | undefined;
  address: string;
  /** The plugin resolved it itself: what it says a name stands for is not what the operator allows by that name. */
  saidByPlugin?: boolean;
}

interface AllowedHost {
  host: string;
  port: number | undefined;
}

interface AllowedRange {
  range: AddressRange;
  port: number | undefined;
}

/** Which addresses plugins reach: those of the internet, and what the operator allows beyond. */
export class Egress {
  readonly #hosts: AllowedHost[] = [];
  readonly #ranges: AllowedRange[] = [];
  /** What the allowed hosts were found to stand for, as `address port`. */
  readonly #resolved = Object.create(null) as Record<string, true>;

  /** Entries are host names, addresses or ranges (`10.1.0.0/16`), each with or without `:port`; v6 with a port in brackets. Throws on others. */
  constructor(allowed: readonly string[]) {
    for (const entry of allowed) this.#allow(entry);
  }

  /** What is wrong with connecting there; undefined when it is allowed. */
  refusal(destination: Destination): EgressRefusedError | undefined {
    const { host, port, address } = destination;
    if (this.#isAllowed(destination) || isPublicAddress(withoutZone(address))) return undefined;
    const where = sameHost(host, address) ? address : `${host} (${address})`;
    return new EgressRefusedError(
      `A plugin may not reach ${where}${port === undefined ? '' : ` at port ${port}`}: it is not an address of the internet; an operator can allow it with PLUGIN_EGRESS_ALLOW`,
    );
  }

  #isAllowed({ host, port, address, saidByPlugin = false }: Destination): boolean {
    const resolved = `${address} ${port}`;
    if (this.#resolved[resolved]) return true;
    if (!saidByPlugin && this.#isAllowedHost(canonical(host), port)) {
      this.#resolved[resolved] = true;
      return true;
    }
    const words = addressWords(withoutZone(address));
    for (let at = 0; words && at < this.#ranges.length; at += 1) {
      const allowed = this.#ranges[at];
      if (allowed && hasPort(allowed, port) && isInRange(words, allowed.range)) return true;
    }
    return false;
  }

  #isAllowedHost(host: string, port: number | undefined): boolean {
    for (let at = 0; at < this.#hosts.length; at += 1) {
      const allowed = this.#hosts[at];
      if (allowed && hasPort(allowed, port) && allowed.host === host) return true;
    }
    return false;
  }

  #allow(entry: string): void {
    const { target, port } = split(entry);
    const [address = '', bits] = target.split('/');
    const family = isIP(address);
    if (family === 0) {
      if (bits !== undefined || !HOST_NAME.test(target)) throw new Error(`"${entry}" is no host, address or range`);
      this.#hosts.push({ host: canonical(target), port });
      return;
    }
    const most = family === 4 ? 32 : 128;
    if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)) {
      throw new Error(`"${entry}" is no range: what comes after the slash is a number up to ${most}`);
    }
    const range = addressRange(address, bits === undefined ? undefined : Number(bits));
    if (range) this.#ranges.push({ range, port });
  }
}

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/** `host:80`, `10.0.0.0/8:80` and `[::1]:80` have a port; `::1` and `fd00::/8` have none. */
function split(entry: string): { target: string; port: number | undefined } {
  const parts = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(entry) ?? /^([^:]+)(?::(\d{1,5}))?$/.exec(entry);
  const [, target = entry, digits] = parts ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) throw new Error(`"${entry}" has no port from 1 to 65535`);
  return { target, port };
}

function hasPort(allowed: { port: number | undefined }, port: number | undefined): boolean {
  return allowed.port === undefined || allowed.port === port;
}

function canonical(host: string): string {
  const last = host.length - 1;
  return lowerCase(host[last] === '.' ? slice(host, 0, last) : host);
}

/** A zone (`fe80::1%eth0`) says which cable, not which address. */
function withoutZone(address: string): string {
  let end = 0;
  while (end < address.length && address[end] !== '%') end += 1;
  return slice(address, 0, end);
}

function sameHost(host: string, address: string): boolean {
  return canonical(host) === lowerCase(address);
}
