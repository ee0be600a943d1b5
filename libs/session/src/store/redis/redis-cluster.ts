import type { Cluster, Redis } from 'ioredis';

/** The hash slot of a key, as Redis Cluster computes it: CRC-16/XMODEM of the hash tag, modulo 16384. */
export function clusterSlot(key: string): number {
  const open = key.indexOf('{');
  const close = key.indexOf('}', open + 1);
  const tag = open !== -1 && close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % 16384;
}

/** The name of the primary that serves a slot, as far as the client knows: `host:port`. */
export function primaryNameOf(cluster: Cluster, slot: number): string | undefined {
  return cluster.slots[slot]?.[0];
}

/** The client's connection to the primary of this name. */
export function primaryNamed(cluster: Cluster, name: string): Redis | undefined {
  return cluster.nodes('master').find(({ options }) => `${options.host}:${options.port}` === name);
}

/** The connections to the primaries that serve any slot, by name. */
export function primariesOf(cluster: Cluster): Map<string, Redis> {
  const primaries = new Map<string, Redis>();
  for (const name of new Set(cluster.slots.flatMap((servers) => servers?.slice(0, 1) ?? []))) {
    const connection = primaryNamed(cluster, name);
    if (connection) primaries.set(name, connection);
  }
  return primaries;
}
