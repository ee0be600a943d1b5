import { SessionConflictError } from '../errors/session-conflict.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import type { LiveSession } from '../live/live-session.js';
import { type LiveSessions, isLive } from '../live/live-sessions.js';
import { type PartDifference, PendingCommit } from '../live/pending-commit.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import { generateSessionId, sessionHash, sessionKeyOf } from '../store/session-id.js';
import type { SessionLifetime } from '../store/session-record.js';
import type { StoreGateway } from '../store/store-gateway.js';
import { SessionRenewal } from './renew-session.js';
import type { PendingActions, RequestState } from './request-state.js';
import type { SessionEvents } from './session-events.js';
import type { UnitOfWork } from './unit-of-work.js';

/** The options of the module that commits read. */
export interface CommitSettings extends SessionLifetime {
  readonly maxSessionBytes: number;

  /** Whether handlers that promised to change nothing are checked; costs what the promise saves. */
  readonly checksReadOnly?: boolean;
}

export interface CommitLog {
  /** A handler marked `@ReadOnlySession()` has changed something. */
  readOnlyBroken(warning: string): void;
}

/**
 * Stores what requests changed: finds out what that is, and starts, updates or renews the session. Which of these a
 * request needs is decided in one place, `RequestState.commitStep`.
 */
export class RequestCommits {
  private readonly renewal: SessionRenewal;

  constructor(
    private readonly settings: CommitSettings,
    gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly events: SessionEvents,
    private readonly log: CommitLog,
  ) {
    this.renewal = new SessionRenewal(gateway, liveSessions, settings.maxSessionBytes);
  }

  /** See `SessionLifecycle.commit`. Call it in turn. */
  commit(request: RequestState): MaybePromise<void> {
    const { unit } = request;
    if (!unit) return undefined;
    try {
      const stored = this.store(request, unit);
      if (isPromise(stored)) return this.commitLater(request, unit, stored);
    } catch (error) {
      return this.refused(request, error);
    }
    if (request.live) unit.rebase(request.live);
    return undefined;
  }

  /** Forgets what the request did since its last commit. */
  rollback(request: RequestState): void {
    request.takeActions();
    request.unit?.rollback();
  }

  /** Acquires the session again for one step of a detached request. `release` it. @throws SessionEndedError */
  async attach(request: RequestState): Promise<LiveSession> {
    const found = request.hasSession && (await this.liveSessions.acquire(sessionKeyOf(request.id as string)));
    if (!found || !isLive(found)) throw new SessionEndedError();
    request.attach(found);
    return found;
  }

  release(request: RequestState): void {
    const live = request.dropLive();
    if (live) this.liveSessions.release(live);
  }

  private store(request: RequestState, unit: UnitOfWork): MaybePromise<void> {
    const differences = request.isReadOnly ? this.readOnlyDifferences(request, unit) : unit.differences();
    switch (request.commitStep(differences.length > 0)) {
      case 'nothing':
        return undefined;
      case 'start':
        return this.start(request, differences);
      case 'update':
        return this.update(request, request.live as LiveSession, differences);
      case 'renew':
        return this.renew(request, request.live as LiveSession, differences);
      case 'update detached':
        return this.updateDetached(request, differences);
    }
  }

  private async commitLater(request: RequestState, unit: UnitOfWork, stored: Promise<void>): Promise<void> {
    try {
      await stored;
    } catch (error) {
      return this.refused(request, error);
    }
    if (request.live) unit.rebase(request.live);
    return undefined;
  }

  /** Forgets the changes in this call: changes that come later belong to the next commit. */
  private async refused(request: RequestState, error: unknown): Promise<never> {
    this.rollback(request);
    this.reportConflict(request, error);
    throw error;
  }

  private reportConflict({ live, timing }: RequestState, error: unknown): void {
    if (!live || !(error instanceof SessionConflictError)) return;
    if (timing) timing.facts.conflicts++;
    this.events.emit('conflict', { session: sessionHash(live.key), bean: error.bean, field: error.field });
  }

  /** A handler that promised to change nothing is believed in production, and checked elsewhere. */
  private readOnlyDifferences(request: RequestState, unit: UnitOfWork): readonly PartDifference[] {
    const changed = this.settings.checksReadOnly ? unit.differences().map(({ bean }) => bean.name) : [];
    if (changed.length > 0) {
      unit.rollback();
      this.log.readOnlyBroken(
        `${request.handler ?? 'a handler'} is marked @ReadOnlySession() but changed ${changed.join(', ')}: ` +
          'nothing was stored; remove the mark',
      );
    }
    unit.markUnchanged();
    return NO_DIFFERENCES;
  }

  private async start(request: RequestState, differences: readonly PartDifference[]): Promise<void> {
    // A new session's cookie would take the place of the one that the client got with its new id.
    if (request.standing === 'late') throw new SessionEndedError();
    if (request.exchange.isHeadSent) {
      throw new SessionResponseCommittedError(
        'a session would have to start, but the head of the response is already sent and no cookie can go with it: ' +
          'touch the bean before the first byte',
      );
    }
    const { idleTimeoutMs = this.settings.idleTimeoutMs } = request.takeActions();
    const { absoluteTimeoutMs, unjoinedTimeoutMs } = this.settings;
    const id = request.id ?? generateSessionId();
    const lifetime = { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs };
    const live = this.liveSessions.create(sessionKeyOf(id), { lifetime });
    try {
      await this.save(request, live, differences);
    } catch (error) {
      request.id = undefined;
      live.end();
      this.liveSessions.release(live);
      throw error;
    }
    request.startSession(live, id);
    this.events.emit('started', { session: sessionHash(live.key) });
  }

  private update(request: RequestState, live: LiveSession, differences: readonly PartDifference[]): MaybePromise<void> {
    const lifetime = changedLifetime(request.takeActions(), live);
    if (differences.length > 0 || lifetime) return this.save(request, live, differences, lifetime);
    const dependencies = request.unit?.dependencies() ?? [];
    if (dependencies.length === 0 && !live.isTouchDue()) return undefined;
    return request.measure('sessionSave', async () => {
      // Nothing has changed. What this request has read must have become true before its answer leaves.
      for (const dependency of dependencies) await dependency.done;
      // A request that ran long (a stream, a slow handler) was use of the session until now.
      if (live.isTouchDue()) await live.touch();
    });
  }

  private async renew(request: RequestState, live: LiveSession, differences: readonly PartDifference[]): Promise<void> {
    if (request.exchange.isHeadSent) {
      throw new SessionResponseCommittedError(
        'the session id cannot be renewed: the head of the response is already sent and no cookie can go with it',
      );
    }
    const lifetime = changedLifetime(request.takeActions(), live);
    const commit = new PendingCommit(differences, request.unit?.dependencies(), lifetime);
    request.timing?.facts.saves(commit);
    const { id, renewed } = await request.measure('sessionSave', () => this.renewal.renew(live, commit));
    this.liveSessions.release(live);
    request.renewSession(renewed, id);
    this.events.emit('renewed', { session: sessionHash(renewed.key), previous: sessionHash(live.key) });
  }

  private async updateDetached(request: RequestState, differences: readonly PartDifference[]): Promise<void> {
    const { start, renew } = request.pendingActions;
    if (start || renew || !request.hasSession) {
      request.takeActions();
      throw new SessionResponseCommittedError(
        'the client is gone: it cannot be given the id of a new session, and nothing was stored',
      );
    }
    const live = await this.attach(request);
    try {
      await this.update(request, live, differences);
      request.unit?.rebase(live);
    } finally {
      this.release(request);
    }
  }

  private save(
    request: RequestState,
    live: LiveSession,
    differences: readonly PartDifference[],
    lifetime?: SessionLifetime,
  ): MaybePromise<void> {
    const commit = new PendingCommit(
      differences,
      request.unit?.dependencies(),
      lifetime,
      request.lock?.tokenFor(live.key),
    );
    request.timing?.facts.saves(commit);
    return live.commit(commit, request.timing);
  }
}

/** The lifetime to store if the request has changed it. */
function changedLifetime({ idleTimeoutMs }: PendingActions, live: LiveSession): SessionLifetime | undefined {
  const { lifetime } = live.stored;
  const isChanged = idleTimeoutMs !== undefined && idleTimeoutMs !== lifetime.idleTimeoutMs;
  return isChanged ? { ...lifetime, idleTimeoutMs } : undefined;
}

const NO_DIFFERENCES: readonly PartDifference[] = Object.freeze([]);
