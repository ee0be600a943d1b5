import type { Epoch } from './epoch.js';

/** Epochs that are remembered: enough to see that two members have gone on from different ones. */
const MOST = 32;

/**
 * The last epochs that a session went through before its present one, oldest first, as `4:s1 5:s2`; empty in its first.
 *
 * @param lineage of the epoch that is gone on from
 */
export function lineageAfter(lineage: string, { counter, node }: Epoch): string {
  const before = lineage === '' ? [] : lineage.split(' ');
  return [...before, `${counter}:${node}`].slice(-MOST).join(' ');
}
