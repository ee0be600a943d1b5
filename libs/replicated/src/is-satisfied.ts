import type { Epoch, Owners } from './epoch.js';
import { hasForked } from './has-forked.js';
import { lineageAfter } from './lineage-after.js';
import { sameEpoch } from './same-epoch.js';

/**
 * [I3] Whether an epoch is the one that a client was shown, or goes on from it. A greater counter alone does not say so: after a split of the network, or when the only
 * copy was lost, others may have gone on from an older state.
 */
export function isSatisfied(
  witness: (Epoch & Partial<Owners>) | undefined,
  epoch: Epoch & { readonly lineage: string },
): boolean {
  if (witness === undefined || sameEpoch(epoch, witness)) return true;
  if (epoch.counter <= witness.counter) return false;
  return !hasForked(lineageAfter(epoch.lineage, epoch), { ...witness, isAlone: false });
}
