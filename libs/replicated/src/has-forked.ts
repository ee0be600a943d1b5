import type { Epoch } from './epoch.js';

/**
 * Whether a session that has gone through `lineage` has not gone through the given epoch, so that what was acknowledged at it is not in it. Only a split of the
 * network does that.
 *
 * @param lineage with its present epoch; see `lineageAfter`
 */
export function hasForked(lineage: string, epoch: Epoch & { readonly isAlone: boolean }): boolean {
  const passed = lineage.split(' ');
  if (passed.includes(`${epoch.counter}:${epoch.node}`)) return false;
  const isBeforeMemory = passed.length > 1 && Number.parseInt(passed[0] as string, 10) > epoch.counter;
  // Nobody can have gone on from the only copy without having told this member.
  return !isBeforeMemory || epoch.isAlone;
}
