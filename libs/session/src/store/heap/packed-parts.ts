import type { StoredPart } from '../session-record.js';

/**
 * The parts of a session as `[name, version, payload, name, version, payload, ...]`. It takes a third of the memory of
 * a Map of objects, and the Map that a load makes of it belongs to the caller alone. It is never changed: a save makes
 * a new one.
 */
export type PackedParts = readonly string[];

export function packParts(parts: ReadonlyMap<string, StoredPart>): PackedParts {
  const packed: string[] = [];
  for (const [name, { version, payload }] of parts) packed.push(name, version, payload);
  // An array that grew keeps room for more, its copy does not.
  return packed.slice();
}

export function unpackParts(packed: PackedParts): Map<string, StoredPart> {
  const parts = new Map<string, StoredPart>();
  for (let at = 0; at < packed.length; at += 3) {
    const [name, version, payload] = [packed[at], packed[at + 1], packed[at + 2]] as [string, string, string];
    parts.set(name, { version, payload });
  }
  return parts;
}
