import { handleClaim } from './handle-claim.js';
import { handleCheck, handleDrop } from './handle-drop.js';
import { handleEnd } from './handle-end.js';
import { handleGrant } from './handle-grant.js';
import { handlePing } from './handle-ping.js';
import { handlePut } from './handle-put.js';
import type { ReplicationContext } from './replication-context.js';
import type { DoneAnswer, PromisesAnswer, ReplicationMessage } from './replication-message.js';

const DONE: DoneAnswer = { type: 'done' };

/** The caller takes this for a refusal to talk. */
const BAD = { type: 'bad' };

/**
 * Answers one message of another member. No handler waits for anything: each is one atomic step on the table.
 *
 * @param onLeaving called when the sender shuts down
 */
export function answerMessage(
  context: ReplicationContext,
  sender: string,
  text: string,
  onLeaving: () => void,
): object {
  const peer = context.members.get(sender);
  if (!peer) return BAD;
  const message = JSON.parse(text) as ReplicationMessage;
  switch (message.type) {
    case 'put':
      // A member that leaves goes on serving until others have taken its sessions over, new ones as well.
      if (peer.isLeaving) onLeaving();
      return handlePut(context, sender, message);
    case 'claim':
      return handleClaim(context, sender, message);
    case 'grant':
      return handleGrant(context, sender, message);
    case 'promises': {
      const { generation, page } = context.promises?.page(message.generation, message.skip) ?? NO_PROMISES;
      return { type: 'promised', generation, page } satisfies PromisesAnswer;
    }
    case 'drop':
      handleDrop(context, sender, message);
      return DONE;
    case 'end':
      handleEnd(context, sender, message);
      return DONE;
    case 'ping':
      return handlePing(context, peer, message);
    case 'check':
      return handleCheck(context, sender, message);
    case 'leaving':
      peer.isLeaving = true;
      onLeaving();
      return DONE;
    default:
      return BAD;
  }
}

const NO_PROMISES = { generation: 0, page: [] };
