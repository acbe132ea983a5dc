import { crc32 } from 'node:zlib';

/** How many partitions a broker's tenants are spread over, unless PARTITIONS says otherwise; fixed for the life of a broker. */
export const DEFAULT_PARTITIONS = 64;

/** The partition of a tenant: `crc32(tenant) % partitions`, the same in every language a host is written in. */
export function partitionOf(tenant: string, partitions: number = DEFAULT_PARTITIONS): number {
  return crc32(tenant) % partitions;
}

/** `p07`: how a partition is written in routing keys and queue names. */
export function partitionKey(partition: number): string {
  return `p${String(partition).padStart(2, '0')}`;
}
