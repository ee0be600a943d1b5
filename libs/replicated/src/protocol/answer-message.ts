import { handleClaim } from './handle-claim.js';
import { handleCheck, handleDrop, handleNews } from './handle-drop.js';
import { handleEnd } from './handle-end.js';
import { handleGrant } from './handle-grant.js';
import { handleList, handleResolve } from './handle-list.js';
import { handlePeek } from './handle-peek.js';
import { handleEndEras, handlePing } from './handle-ping.js';
import { handlePut } from './handle-put.js';
import { formatOf, MESSAGE_FORMAT, type NewerFormatAnswer } from './message-format.js';
import { isMessage } from './message-shapes.js';
import type { ReserveAnswer } from './principal-messages.js';
import type { ReplicationContext } from './replication-context.js';
import type { DoneAnswer, Move, PromisesAnswer, ReplicationMessage } from './replication-message.js';

const DONE: DoneAnswer = { type: 'done' };

/** The caller takes this for a refusal to talk. */
const BAD = { type: 'bad' };

/** Work that a message leads to, and that goes on after the answer. */
export interface FollowUps {
  /** The sender shuts down. */
  onLeaving(): void;

  /** The sender and this member both went on with a session while the network was split. */
  onBranch(move: Move): void;
}

/**
 * Answers one message of another member. No handler waits for anything: each is one atomic step on the table.
 *
 * @param parsed the text of the message
 */
export function answerMessage(
  context: ReplicationContext,
  sender: string,
  parsed: unknown,
  followUps: FollowUps,
): object {
  const peer = context.members.get(sender);
  const format = formatOf(parsed);
  if (!peer || format === undefined) return BAD;
  if (format > MESSAGE_FORMAT) return { type: 'newer', format: MESSAGE_FORMAT } satisfies NewerFormatAnswer;
  if (!isMessage(parsed)) return BAD;
  const message: ReplicationMessage = parsed;
  switch (message.type) {
    case 'put':
      // A member that leaves goes on serving until others have taken its sessions over, new ones as well.
      if (peer.isLeaving) followUps.onLeaving();
      return handlePut(context, sender, message);
    case 'peek':
      return handlePeek(context, message);
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
    case 'news':
      for (const move of handleNews(context, sender, message)) followUps.onBranch(move);
      return DONE;
    case 'end':
      handleEnd(context, sender, message);
      return DONE;
    case 'refuse':
      context.refusedCreations.add(message.key, context.clock.now());
      return DONE;
    case 'supersede':
      context.superseded.add(`${message.key} ${message.proof}`, context.clock.now());
      return DONE;
    case 'ping':
      return handlePing(context, peer, message);
    case 'endEras':
      return handleEndEras(context, message);
    case 'check':
      return handleCheck(context, sender, message);
    case 'list':
      return handleList(context, message);
    case 'resolve':
      return handleResolve(context, message);
    case 'reserve': {
      const { principal, key, token } = message;
      const before = context.reservations.reserve(principal, key, token, context.timers.now());
      return { type: 'reserved', before } satisfies ReserveAnswer;
    }
    case 'release':
      context.reservations.release(message.principal, message.token);
      return DONE;
    case 'leaving':
      // A later process may have been heard already.
      if (!peer.noteMessage(message.process, context.timers.now())) return DONE;
      peer.isLeaving = true;
      followUps.onLeaving();
      return DONE;
  }
}

const NO_PROMISES = { generation: 0, page: [] };
