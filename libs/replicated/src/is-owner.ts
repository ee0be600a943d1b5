import type { Owners } from './epoch.js';

/**
 * Whether the member is one of the two that have everything acknowledged at the epoch. A member may hold a copy of an epoch without that: it
 * was told of the epoch when it began, and hears of no change any more.
 */
export function isOwner(owners: Owners, member: string): boolean {
  return owners.node === member || owners.backup === member;
}
