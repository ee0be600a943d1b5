import type { PartChange } from '../session-change.js';
import type { PackedParts } from './packed-parts.js';

/**
 * Applies a change to the parts of a session, all of it or none.
 *
 * @param version the version of the parts that are written
 * @param keep names of the parts that go on, see `SessionRenewal`; undefined: all
 * @returns undefined when a part is not at the version from which the change was made
 *
 * @example
 * ```ts
 * const parts = changeParts(session.parts, change.parts, stamp);
 * if (!parts) return { outcome: 'conflict', record };
 * ```
 */
export function changeParts(
  packed: PackedParts,
  changes: ReadonlyMap<string, PartChange>,
  version: string,
  keep?: readonly string[],
): PackedParts | undefined {
  const kept = keep ? keptParts(packed, keep) : packed;
  for (const [name, { base }] of changes) {
    const at = placeOf(kept, name);
    if ((at === -1 ? null : kept[at + 1]) !== base) return undefined;
  }
  const changed = kept.slice();
  for (const [name, { payload }] of changes) {
    const at = placeOf(changed, name);
    if (payload === null) {
      if (at !== -1) changed.splice(at, 3);
    } else if (at === -1) {
      changed.push(name, version, payload);
    } else {
      changed[at + 1] = version;
      changed[at + 2] = payload;
    }
  }
  // An array that grew keeps room for more, its copy does not.
  return changed.length > kept.length ? changed.slice() : changed;
}

function keptParts(packed: PackedParts, keep: readonly string[]): PackedParts {
  return packed.filter((_, at) => keep.includes(packed[at - (at % 3)] as string));
}

function placeOf(packed: PackedParts, name: string): number {
  for (let at = 0; at < packed.length; at += 3) if (packed[at] === name) return at;
  return -1;
}
