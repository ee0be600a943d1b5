import {
  pageOf,
  type PrincipalPage,
  type PrincipalSessions,
  type SessionKey,
  type SessionRecord,
} from 'nestjs-session-beans/store-kit';
import { recordOfState } from '../copy/session-state.js';
import { livingFromWire } from '../copy/wire-state.js';
import type { Peer } from '../members/peer.js';
import { handleList, handleResolve } from '../protocol/handle-list.js';
import type { Answers } from '../protocol/member-calls.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';
import type { ListAnswer, ListMessage, ResolveAnswer, ResolveMessage } from '../protocol/principal-messages.js';
import type { ReplicationCallError } from '../transports/replication-transport.js';
import type { Primary } from './primary.js';
import { readOperation } from './session-operations.js';

/** Sessions that one message asks about, so that every transport carries it. */
const KEYS_AT_ONCE = 200;

/** Sessions that are taken over at a time. */
const MOVES_AT_ONCE = 16;

/**
 * Times of another member's clock are moved to this one's in steps of a second. So the time on the way moves none, and
 * all members have the logins in one order while their clocks agree.
 */
const CLOCK_STEP_MS = 1_000;

/**
 * Finds the sessions of a principal: each is told by the member that serves it. All members are asked, because any may
 * serve one.
 *
 * [Q1] A session that was there when the search began is not missed. Its primary of that moment has a copy when it is
 * asked, or has given it away since: in both cases it tells of the session, or names it. One that was named and that
 * nobody has told of is asked for again, and taken over if it is still nobody's.
 */
export class PrincipalList {
  private readonly found = new Map<SessionKey, SessionRecord>();
  private readonly unsure = new Set<SessionKey>();
  private readonly parts: readonly string[];

  constructor(
    private readonly context: ReplicationContext,
    private readonly primary: Primary,
    private readonly principal: string,
    private readonly page: PrincipalPage,
  ) {
    this.parts = page.parts;
  }

  /** @throws ReplicationFailure when a member does not answer that may serve a session of the principal */
  async run(): Promise<PrincipalSessions> {
    await Promise.all(this.members.map((member) => this.collect(member)));
    for (const key of this.found.keys()) this.unsure.delete(key);
    if (this.unsure.size > 0) await this.resolve();
    if (this.unsure.size > 0) await this.takeOver();
    return pageOf(
      [...this.found].map(([key, record]) => ({ key, record })),
      this.page,
    );
  }

  /** Undefined is this one. */
  private get members(): readonly (Peer | undefined)[] {
    return [undefined, ...this.context.members.others];
  }

  private async collect(member: Peer | undefined): Promise<void> {
    const { principal, parts } = this;
    for (let after: SessionKey | undefined = ''; after !== undefined;) {
      const message: ListMessage = { type: 'list', principal, parts, after };
      const answer: ListAnswer | undefined = member
        ? await this.ask(member, message)
        : handleList(this.context, message);
      this.note(answer);
      for (const key of answer?.unsure ?? []) this.unsure.add(key);
      const next: SessionKey | undefined = answer?.next;
      if (next !== undefined && next <= after)
        throw new ReplicationFailure(`the list of member '${member?.name}' does not end`);
      after = next;
    }
  }

  /** The principal may have come or gone with a change that was under way, or the session was about to move. */
  private async resolve(): Promise<void> {
    const { principal, parts } = this;
    const unsure = [...this.unsure];
    for (let at = 0; at < unsure.length; at += KEYS_AT_ONCE) {
      const message: ResolveMessage = { type: 'resolve', principal, parts, keys: unsure.slice(at, at + KEYS_AT_ONCE) };
      const resolve = async (member: Peer | undefined): Promise<void> => {
        const answer = member ? await this.ask(member, message) : handleResolve(this.context, message);
        this.note(answer);
        for (const key of answer?.none ?? []) this.unsure.delete(key);
        for (const [key] of answer?.sessions ?? []) this.unsure.delete(key);
      };
      await Promise.all(this.members.map(resolve));
    }
  }

  /** Their primaries are lost, or had no lease just now: this member becomes the primary, as for a request. */
  private async takeOver(): Promise<void> {
    const left = this.unsure.values();
    const work = async (): Promise<void> => {
      for (const key of left) {
        const call = { key, operation: readOperation, witness: undefined, isLenient: false };
        const { value } = await this.primary.run({ ...call, attempt: { mayBeApplied: false } });
        if (value?.principal === this.principal) this.found.set(key, value);
      }
    };
    await Promise.all(Array.from({ length: MOVES_AT_ONCE }, work));
  }

  private note(answer: ListAnswer | ResolveAnswer | undefined): void {
    if (!answer) return;
    const aheadMs = this.context.clock.now() - answer.at;
    const stepsMs = Math.round(aheadMs / CLOCK_STEP_MS) * CLOCK_STEP_MS;
    for (const [key, wire] of answer.sessions) {
      const state = livingFromWire(wire, stepsMs);
      // A member that speaks of others is not believed: that would end their sessions.
      const isTheirs = state.identity.principal === this.principal;
      if (isTheirs && !this.context.eras.hasEnded(state)) this.found.set(key, recordOfState(state));
    }
  }

  /** @returns undefined when the process of the member is gone: whatever it had, backups have */
  private async ask<T extends ListMessage | ResolveMessage>(
    peer: Peer,
    message: T,
  ): Promise<Answers[T['type']] | undefined> {
    const { calls, members } = this.context;
    try {
      return await calls.ask(peer, message, true);
    } catch (error) {
      if ((error as ReplicationCallError).reason === 'refused' || members.isGone(peer.name)) return undefined;
      throw new ReplicationFailure(`member '${peer.name}', which may have sessions of the user, does not answer`);
    }
  }
}
