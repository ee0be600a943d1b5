import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { Epoch, Owners } from './epoch.js';
import type { PromisedEpoch } from './promised-epoch.js';
import type { StateDelta } from './state-delta.js';
import type { WireState } from './wire-state.js';

/** What members say to each other, as JSON. `at` is the sender's wall clock, `life` names the process of the sender: its heap and itself. */
export type ReplicationMessage =
  | PutMessage
  | ClaimMessage
  | GrantMessage
  | PromisesMessage
  | DropMessage
  | BuryMessage
  | PingMessage
  | CheckMessage
  | { readonly type: 'leaving' };

export interface PutMessage {
  readonly type: 'put';
  readonly key: SessionKey;

  /** Of the epoch; its primary is the sender. */
  readonly counter: number;
  readonly backup: string;
  readonly seq: number;

  /** The whole state where an epoch begins or the session ends, else what one change did to the state at `seq - 1`. */
  readonly state?: WireState;
  readonly delta?: StateDelta;

  /** Present where an epoch begins: the copy that the receiver told of when it was claimed, null if it had none. */
  readonly from?: Epoch | null;

  /** Present where an epoch begins: those before it. */
  readonly lineage?: string;

  /** Present where an epoch begins, if it is known: the process of the receiver that it is meant for. One that was started since may have lost what came after. */
  readonly to?: string;
  readonly at: number;
  readonly life: string;
}

export type PutAnswer =
  | { readonly type: 'ok'; readonly life: string }
  /** `counter`: a new epoch has to be above it. */
  | { readonly type: 'refused'; readonly counter: number }
  | { readonly type: 'full' }
  /** It was meant for an earlier process. */
  | { readonly type: 'another' }
  | { readonly type: 'ended'; readonly tombstone: CopyFields };

export interface ClaimMessage {
  readonly type: 'claim';
  readonly key: SessionKey;

  /** The greatest counter that the sender knows of. Who answers will not begin or follow an epoch up to it that it has not told of. */
  readonly floor: number;
}

/** A copy as it is told. */
export interface CopyFields extends Owners {
  readonly seq: number;
  readonly lineage: string;
  readonly state: WireState;
  readonly at: number;
}

export type ClaimAnswer =
  | {
      readonly type: 'none';
      readonly life: string;

      /** How long this process has been running: what it had before is lost. */
      readonly upMs: number;

      /** Where the session went on when this member gave its copy away, if that was a short while ago. */
      readonly moved?: Owners;

      /** The greatest counter with which it has tried to begin an epoch a short while ago, or 0. */
      readonly attempted: number;
      readonly floor: number;
    }
  | {
      readonly type: 'copy';
      readonly life: string;
      readonly copy: CopyFields;

      /** Before this claim. */
      readonly fenced: boolean;

      /** The life of the primary that put the copy. */
      readonly primaryLife?: string;

      /** Time since it was put. */
      readonly ageMs: number;

      /** Time since that primary was heard last: it may have a lease from then. */
      readonly heardAgoMs: number;
      readonly floor: number;
    };

/** Quorum: asks for the consent to an epoch. */
export interface GrantMessage {
  readonly type: 'grant';
  readonly key: SessionKey;
  readonly counter: number;
  readonly life: string;

  /** Counter of the epoch that it would go on from: what was granted up to there is settled. */
  readonly of: number;
}

/** `before`: what was granted to whom until now, above `of`. */
export interface GrantAnswer {
  readonly type: 'yes' | 'no';
  readonly before: readonly PromisedEpoch[];
}

/** Quorum: from a member that has forgotten its promises. `generation` and `skip` say where the last page ended. */
export interface PromisesMessage {
  readonly type: 'promises';
  readonly generation: number;
  readonly skip: number;
}

export interface PromisesAnswer {
  readonly type: 'promised';
  readonly generation: number;

  /** Empty: that was all. */
  readonly page: readonly (readonly [key: SessionKey, epochs: readonly PromisedEpoch[]])[];
}

export interface DropMessage extends Owners {
  readonly type: 'drop';
  readonly key: SessionKey;
}

export interface BuryMessage {
  readonly type: 'bury';
  readonly key: SessionKey;
  readonly epoch: Owners;
  readonly state: WireState;
  readonly at: number;
}

export interface PingMessage {
  readonly type: 'ping';
  readonly life: string;

  /** Epochs of the receiver's last list that are over here, too. */
  readonly done: readonly KeyAtCounter[];
}

export type KeyAtCounter = readonly [key: SessionKey, counter: number];

export interface PongAnswer {
  readonly type: 'pong';
  readonly life: string;

  /** Epochs of the receiver that this member, their backup, does not follow any more. */
  readonly over: readonly KeyAtCounter[];

  /** There are more of them than fit into one message. */
  readonly more: boolean;
}

/** From a member to the primary of the epochs that its copies belong to. */
export interface CheckMessage {
  readonly type: 'check';
  readonly replicas: readonly KeyAtCounter[];
}

export interface CheckAnswer {
  readonly type: 'checked';
  readonly life: string;

  /** For each replica: it counts; it is not needed any more; nothing is known of it here. */
  readonly verdicts: readonly ('fine' | 'drop' | 'unknown')[];
}

/** Nothing to say but that it came. */
export interface DoneAnswer {
  readonly type: 'done';
}
