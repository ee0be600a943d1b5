import type { Epoch } from './epoch.js';

/** After a split of the network two members may have made epochs with the same counter: they are different ones. */
export function sameEpoch(one: Epoch, other: Epoch): boolean {
  return one.counter === other.counter && one.node === other.node;
}
