import type { PartChange } from '../session-change.js';
import type { StoredPart } from '../session-record.js';

/**
 * Applies the parts of a change, all or none.
 *
 * @param parts changed in place, unless there is a conflict
 * @param version of the parts that are written
 * @returns false when a part is not at the version the change was made from
 */
export function applyPartChanges(
  parts: Map<string, StoredPart>,
  changes: ReadonlyMap<string, PartChange>,
  version: string,
): boolean {
  for (const [name, { base }] of changes) {
    if ((parts.get(name)?.version ?? null) !== base) return false;
  }
  for (const [name, { payload }] of changes) {
    if (payload === null) parts.delete(name);
    else parts.set(name, { version, payload });
  }
  return true;
}
