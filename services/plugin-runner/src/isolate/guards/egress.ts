import { BlockList, isIP } from 'node:net';
import { isPublicAddress } from '@verifywise/service-kit/public-address';

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
}

interface AllowedHost {
  host: string;
  port: number | undefined;
}

interface AllowedRange {
  range: BlockList;
  port: number | undefined;
}

/** Which addresses plugins reach: those of the internet, and what the operator allows beyond. */
export class Egress {
  readonly #hosts: AllowedHost[] = [];
  readonly #ranges: AllowedRange[] = [];

  /** Entries are host names, addresses or ranges (`10.1.0.0/16`), each with or without `:port`; v6 with a port in brackets. Throws on others. */
  constructor(allowed: readonly string[]) {
    for (const entry of allowed) this.#allow(entry);
  }

  /** What is wrong with connecting there; undefined when it is allowed. */
  refusal({ host, port, address }: Destination): EgressRefusedError | undefined {
    if (this.#isAllowed({ host, port, address }) || isPublicAddress(withoutZone(address))) return undefined;
    const where = sameHost(host, address) ? address : `${host} (${address})`;
    return new EgressRefusedError(
      `A plugin may not reach ${where}${port === undefined ? '' : ` at port ${port}`}: it is not an address of the internet; an operator can allow it with PLUGIN_EGRESS_ALLOW`,
    );
  }

  #isAllowed({ host, port, address }: Destination): boolean {
    const fits = (allowed: { port: number | undefined }) => allowed.port === undefined || allowed.port === port;
    if (this.#hosts.some((allowed) => allowed.host === canonical(host) && fits(allowed))) return true;
    const plain = withoutZone(address);
    const family = isIP(plain);
    if (family === 0) return false;
    return this.#ranges.some((allowed) => fits(allowed) && allowed.range.check(plain, family === 4 ? 'ipv4' : 'ipv6'));
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
    const range = new BlockList();
    range.addSubnet(address, bits === undefined ? most : Number(bits), family === 4 ? 'ipv4' : 'ipv6');
    this.#ranges.push({ range, port });
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

function canonical(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** A zone (`fe80::1%eth0`) says which cable, not which address. */
function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}

function sameHost(host: string, address: string): boolean {
  return canonical(host) === address.toLowerCase();
}
