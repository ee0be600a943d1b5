import type { ReplicationEvent } from './replicated-session-store.options.js';

/** What an operator should hear of, in words: the rest is the protocol at work. */
export function tellReplicationEvent(event: ReplicationEvent, warn: (warning: string) => void): void {
  switch (event.type) {
    case 'memberLost':
      return warn(`member '${event.member}' does not answer; copies of its sessions are made elsewhere`);
    case 'memberGone':
      return warn(`member '${event.member}' has not answered for long; what only it had is lost`);
    case 'alone':
      return warn(`session ${event.session} has one copy only: no other member can take one`);
    case 'lost':
      return warn(`session ${event.session} is lost: all members that had it have lost it`);
    case 'yielded':
      return warn(
        `session ${event.session} went on here and on '${event.to}' while the network was split; what was changed here is given up`,
      );
    case 'memberBack':
    case 'promoted':
    case 'deposed':
    case 'safe':
      return undefined;
  }
}
