import type { AccessCheck, SessionKey } from 'nestjs-session-beans/store-kit';
import type { BegunEpoch, Epoch, PromisedEpoch } from '../copy/epoch.js';
import type { Evidence } from '../copy/evidence.js';
import type { StateDelta } from '../copy/state-delta.js';
import type { ListMessage, ReleaseMessage, ReserveMessage, ResolveMessage } from './principal-messages.js';
import type { WireCopy, WirePlace, WireState, WireTombstone } from '../copy/wire-state.js';

/**
 * The messages between members, as JSON. Every message may be lost, repeated or late. Each carries the number of its
 * format, too: see `MESSAGE_FORMAT`.
 *
 * In all of them `at` is the sender's wall clock, `process` names the sender's process, and `incarnation` is a text
 * that stays the same for as long as the sender keeps what the receiver gave it (see `Peer.ownIncarnation`).
 */
export type ReplicationMessage =
  | PutMessage
  | PeekMessage
  | ClaimMessage
  | GrantMessage
  | PromisesMessage
  | DropMessage
  | NewsMessage
  | EndMessage
  | RefuseCreationMessage
  | SupersedeMessage
  | PingMessage
  | EndErasMessage
  | CheckMessage
  | LeavingMessage
  | ListMessage
  | ResolveMessage
  | ReserveMessage
  | ReleaseMessage;

/** From the primary of an epoch: the next state of the session, or the beginning of the epoch. */
export interface PutMessage {
  readonly type: 'put';
  readonly key: SessionKey;

  /** Counter of the epoch; its primary is the sender. */
  readonly counter: number;
  readonly backup: string;
  readonly seq: number;

  /** The whole state: present where an epoch begins, and where the session ends. */
  readonly state?: WireState;

  /** Otherwise: the difference that one change made to the state at `seq - 1`. */
  readonly delta?: StateDelta;

  /**
   * Present where an epoch begins: the epoch of the copy that the receiver told of when it was claimed, null for none.
   */
  readonly from?: Epoch | null;

  /** Present where an epoch begins: the epochs before it. */
  readonly lineage?: string;

  /**
   * Present where an epoch begins, if it is known: the process of the receiver for which the message is meant. A later
   * process may have lost what came after.
   */
  readonly receiver?: string;
  readonly at: number;
  readonly process: string;
}

export type PutAnswer =
  | { readonly type: 'ok'; readonly incarnation: string }
  /** A new epoch needs a greater counter than this. */
  | { readonly type: 'refused'; readonly counter: number }
  | { readonly type: 'full' }
  /** The message was meant for an earlier process. */
  | { readonly type: 'another' }
  | EndedAnswer;

/** The session has ended for good. */
export interface EndedAnswer {
  readonly type: 'ended';
  readonly process: string;
  readonly tombstone: WireTombstone;
  readonly at: number;
}

/** Asks whether the evidence of a caller opens the session. Changes nothing. */
export interface PeekMessage {
  readonly type: 'peek';
  readonly key: SessionKey;
  readonly evidence: Evidence;
}

export type PeekAnswer = NoCopyAnswer | EndedAnswer | ({ readonly type: 'checked' } & CopyFacts & CheckedCopy);

/** `expired`: the session is over, whatever the evidence is. */
export type CopyCheck = AccessCheck | 'expired';

export interface CheckedCopy {
  readonly place: WirePlace;
  readonly generation: number;
  readonly renewedIn?: Epoch;

  /** Whether the evidence opens this copy. */
  readonly check: CopyCheck;

  /** The member is the primary of the copy and may answer from it: there is no newer one. */
  readonly isServing: boolean;
}

/** Asks for the receiver's copy. The receiver fences it. */
export interface ClaimMessage {
  readonly type: 'claim';
  readonly key: SessionKey;

  /**
   * The greatest counter that the sender knows of. A receiver that answers begins or follows no epoch up to it that it
   * has not told of.
   */
  readonly floor: number;
}

export type ClaimAnswer = NoCopyAnswer | EndedAnswer | ({ readonly type: 'copy'; readonly copy: WireCopy } & CopyFacts);

export interface NoCopyAnswer {
  readonly type: 'none';
  readonly process: string;

  /** How long this process has been running: what it had before is lost. */
  readonly upMs: number;

  /** The epoch with which the session went on when this member gave its copy away, if that was lately. */
  readonly moved?: BegunEpoch;

  /** The greatest counter with which this member has lately tried to begin an epoch, or 0. */
  readonly attempted: number;
  readonly floor: number;
}

/** The facts about a copy that decide how much it counts. */
export interface CopyFacts {
  readonly process: string;

  /** The copy had been claimed before. */
  readonly fenced: boolean;

  /** Names the process of the primary that put the copy. */
  readonly primaryProcess?: string;

  /** Time since the copy was put. */
  readonly ageMs: number;

  /** Time since that primary was last heard: its lease may count from then. */
  readonly heardAgoMs: number;
  readonly floor: number;
}

/** Quorum: asks for the consent to an epoch. */
export interface GrantMessage {
  readonly type: 'grant';
  readonly key: SessionKey;
  readonly counter: number;
  readonly process: string;

  /** Counter of the epoch that the new one would follow: promises up to there are settled. */
  readonly of: number;
}

export interface GrantAnswer {
  readonly type: 'yes' | 'no';

  /** The epochs above `of` that were granted before, and to whom. */
  readonly before: readonly PromisedEpoch[];
}

/**
 * Quorum: from a process that does not know the promises of the processes before it. Asks for the page after the last.
 */
export interface PromisesMessage {
  readonly type: 'promises';
  readonly generation: number;
  readonly skip: number;
}

export interface PromisesAnswer {
  readonly type: 'promised';
  readonly generation: number;

  /** Empty after the last page. */
  readonly page: readonly (readonly [key: SessionKey, epochs: readonly PromisedEpoch[]])[];
}

/** An epoch has begun without the receiver: it may forget its copy. */
export interface DropMessage extends Move {
  readonly type: 'drop';
}

/** Epochs that have begun while the receiver was cut off. */
export interface NewsMessage {
  readonly type: 'news';
  readonly moves: readonly Move[];
}

export interface Move extends BegunEpoch {
  readonly key: SessionKey;

  /** The epochs before it. */
  readonly lineage: string;
}

export function moveOf({ key, counter, node, backup, generation, lineage }: Move): Move {
  return { key, counter, node, backup, generation, lineage };
}

/** Sessions have ended for good. */
export interface EndMessage {
  readonly type: 'end';
  readonly ends: readonly (readonly [key: SessionKey, tombstone: WireTombstone])[];
  readonly at: number;
}

/**
 * [D2] An end was asked for of a session that nobody has: its creation, which may be on its way, is to be refused. That
 * has no effect on copies.
 */
export interface RefuseCreationMessage {
  readonly type: 'refuse';
  readonly key: SessionKey;
}

/** [I15] The proof is that of a session which is over, and its client has logged in. */
export interface SupersedeMessage {
  readonly type: 'supersede';
  readonly key: SessionKey;
  readonly proof: string;
}

/** A heartbeat. */
export interface PingMessage {
  readonly type: 'ping';
  readonly process: string;

  /** Epochs of the receiver's last `unfollowed` list that are over at the sender, too. */
  readonly settled: readonly KeyAtCounter[];

  /** [M7] The last era that is over, as far as the sender knows: see `Eras`. */
  readonly over: number;
}

/** [M7] All sessions of the eras up to this one are over. */
export interface EndErasMessage {
  readonly type: 'endEras';
  readonly over: number;
}

export interface ErasAnswer {
  readonly type: 'eras';

  /** The last era that was over before the message came. */
  readonly before: number;
}

/** This process of the sender shuts down. */
export interface LeavingMessage {
  readonly type: 'leaving';
  readonly process: string;
}

export type KeyAtCounter = readonly [key: SessionKey, counter: number];

export interface PongAnswer {
  readonly type: 'pong';
  readonly incarnation: string;

  /** Epochs of the receiver that this member, their backup, does not follow any more. */
  readonly unfollowed: readonly KeyAtCounter[];

  /** There are more of them than fit into one message. */
  readonly more: boolean;

  /** [M7] As in a ping. */
  readonly over: number;
}

/** Asks the primary of some epochs whether the sender's copies of them still count. */
export interface CheckMessage {
  readonly type: 'check';
  readonly replicas: readonly KeyAtCounter[];
}

export interface CheckAnswer {
  readonly type: 'checked';
  readonly incarnation: string;

  /** For each copy: it counts; it is not needed any more; the primary knows nothing of it. */
  readonly verdicts: readonly ('fine' | 'drop' | 'unknown')[];
}

/** Says only that the message has arrived. */
export interface DoneAnswer {
  readonly type: 'done';
}
