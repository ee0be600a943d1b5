import type { BeanRegistry } from '../bean/bean-registry.js';
import { SessionConflictError } from '../errors/session-conflict.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import { generateSessionId, sessionHash, sessionKeyOf } from '../store/session-id.js';
import type { SessionLifetime } from '../store/session-lifetime.js';
import type { LiveSession } from './live-session.js';
import type { LiveSessions } from './live-sessions.js';
import { type PartDifference, PendingCommit } from './pending-commit.js';
import { renewSession } from './renew-session.js';
import type { RequestSession } from './request-session.js';
import type { SessionEvents } from './session-events.js';
import type { StoreGateway } from './store-gateway.js';
import { UnitOfWork } from './unit-of-work.js';

/** What the life cycle reads of the module's options. */
export interface LifecycleSettings extends SessionLifetime {
  readonly touchIntervalMs: number;
  readonly maxSessionBytes: number;
  readonly nodeName: string | undefined;
}

/**
 * Moves the session of a request: begin, commit (as often as needed), invalidate, end. Knows neither Nest nor HTTP. The response hook,
 * the guard and the interceptor call it; nothing else does.
 */
export class SessionLifecycle {
  constructor(
    private readonly settings: LifecycleSettings,
    private readonly store: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly beans: BeanRegistry,
    private readonly events: SessionEvents,
    private readonly onHookError: (error: unknown) => void,
  ) {}

  /**
   * Loads the session of the id that the client presented, or begins without one. Idempotent: a request loads once.
   * @throws SessionStoreError: then there is no session and no handler may run
   */
  begin(request: RequestSession): Promise<void> {
    return (request.begun ??= this.load(request));
  }

  /**
   * Stores what the request has changed so far; a request without a session gets one if there is something to store. When it resolves,
   * the store has the state. When it rejects, the store has nothing of it and the request's changes are forgotten.
   *
   * @throws SessionConflictError, SessionEndedError, SessionStateError, SessionStoreError, SessionResponseCommittedError
   */
  commit(request: RequestSession): Promise<void> {
    // One after the other: two commits at once would both see the same difference and store it twice.
    const commit = request.committing ? request.committing.then(() => this.commitNow(request)) : this.commitNow(request);
    const settled = commit.then(NOTHING, NOTHING).then(() => {
      if (request.committing === settled) request.committing = undefined;
    });
    request.committing = settled;
    return commit;
  }

  /** Whether `commit` has anything to look at: when not, the response need not wait. */
  needsCommit(request: RequestSession): boolean {
    if (request.phase !== 'active') return false;
    return Boolean(request.unit?.isTouched) || request.startRequested || request.renewRequested || request.idleTimeoutMs !== undefined || this.isTouchDue(request);
  }

  /** Forgets what the request did since its last commit. */
  rollback(request: RequestSession): void {
    request.startRequested = false;
    request.renewRequested = false;
    request.idleTimeoutMs = undefined;
    request.unit?.rollback();
  }

  /** Ends the session at once, on every server, whatever this request does afterwards. Without a session, forgets what would start one. */
  async invalidate(request: RequestSession): Promise<void> {
    const { live, unit } = request;
    this.leave(request);
    if (!live) return;
    const destroyed = this.store.destroy(live.key);
    live.end(destroyed);
    try {
      await destroyed;
    } catch (error) {
      // Not known to have ended: the next request asks the store.
      this.liveSessions.forget(live);
      throw error;
    } finally {
      this.liveSessions.release(live);
    }
    this.events.emit('invalidated', { session: sessionHash(live.key) });
    for (const instance of unit?.destroyedInstances(this.beans.all()) ?? []) await this.callDestroyed(instance);
  }

  /** The response is sent: instances are handed over, the live session is released, the beans answer no more. */
  end(request: RequestSession): void {
    if (request.phase === 'closed') return;
    request.phase = 'closed';
    const { live, unit } = request;
    if (!live) return;
    if (!live.isEnded && unit && !unit.isTouched) unit.handOver(live);
    this.liveSessions.release(live);
  }

  private async commitNow(request: RequestSession): Promise<void> {
    const { unit } = request;
    if (request.phase !== 'active' || !unit) return;
    try {
      const differences = unit.differences();
      if (!request.live) await this.create(request, differences);
      else if (request.renewRequested) await this.renew(request, request.live, differences);
      else await this.update(request, request.live, differences);
      if (request.live) unit.rebase(request.live);
    } catch (error) {
      this.rollback(request);
      this.reportConflict(request, error);
      throw error;
    }
  }

  private async load(request: RequestSession): Promise<void> {
    const presented = request.exchange.presented();
    const live = presented && (await this.liveSessions.acquire(sessionKeyOf(presented.id)));
    if (request.phase === 'closed') {
      // The client went away meanwhile.
      if (live) this.liveSessions.release(live);
      return;
    }
    if (live) this.use(request, live, presented.id);
    else request.unit = this.unitOn(undefined);
    request.phase = 'active';
    if (live && presented.route !== this.settings.nodeName) request.exchange.handOut(presented.id);
  }

  private async create(request: RequestSession, differences: readonly PartDifference[]): Promise<void> {
    if (differences.length === 0 && !request.startRequested) return;
    if (request.exchange.isHeadSent) {
      throw new SessionResponseCommittedError(
        'a session would have to start, but the head of the response is already sent and no cookie can go with it: touch the bean before the first byte',
      );
    }
    const { idleTimeoutMs = this.settings.idleTimeoutMs } = request;
    const { absoluteTimeoutMs, unjoinedTimeoutMs } = this.settings;
    const id = request.id ?? generateSessionId();
    const live = this.liveSessions.create(sessionKeyOf(id), { lifetime: { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } });
    try {
      await this.save(live, new PendingCommit(differences, [], undefined));
    } catch (error) {
      request.id = undefined;
      this.liveSessions.forget(live);
      this.liveSessions.release(live);
      throw error;
    }
    request.isNew = true;
    request.live = live;
    request.id = id;
    this.settled(request);
    request.exchange.handOut(id);
    this.events.emit('started', { session: sessionHash(live.key) });
  }

  private async update(request: RequestSession, live: LiveSession, differences: readonly PartDifference[]): Promise<void> {
    const dependencies = request.unit?.dependencies() ?? [];
    const lifetime = this.lifetimeChange(request, live);
    if (differences.length > 0 || lifetime) {
      await this.save(live, new PendingCommit(differences, dependencies, lifetime));
    } else {
      // What this request has read must have become true before its answer leaves.
      for (const dependency of dependencies) await dependency.done;
      if (this.isTouchDue(request)) await this.touch(live);
    }
    this.settled(request);
  }

  private async renew(request: RequestSession, live: LiveSession, differences: readonly PartDifference[]): Promise<void> {
    if (request.exchange.isHeadSent) {
      throw new SessionResponseCommittedError('the session id cannot be renewed: the head of the response is already sent and no cookie can go with it');
    }
    const commit = new PendingCommit(differences, request.unit?.dependencies() ?? [], this.lifetimeChange(request, live));
    const { id, renewed } = await renewSession(live, commit, this.settings.maxSessionBytes, this.store, this.liveSessions);
    this.liveSessions.release(live);
    request.live = renewed;
    request.id = id;
    this.settled(request);
    request.exchange.handOut(id);
    this.events.emit('renewed', { session: sessionHash(renewed.key), previous: sessionHash(live.key) });
  }

  private async save(live: LiveSession, commit: PendingCommit): Promise<void> {
    live.commit(commit, this.settings.maxSessionBytes);
    await commit.done;
  }

  private settled(request: RequestSession): void {
    request.startRequested = false;
    request.renewRequested = false;
    request.idleTimeoutMs = undefined;
  }

  private use(request: RequestSession, live: LiveSession, id: string): void {
    request.live = live;
    request.id = id;
    request.unit = this.unitOn(live);
  }

  /** The request goes on without a session: what it touches from now on is fresh. */
  private leave(request: RequestSession): void {
    request.live = undefined;
    request.id = undefined;
    request.isNew = false;
    this.settled(request);
    request.unit = this.unitOn(undefined);
  }

  private unitOn(live: LiveSession | undefined): UnitOfWork {
    return new UnitOfWork(live, (bean, error) => {
      if (live) this.events.emit('undecodable', { session: sessionHash(live.key), bean: bean.name, error });
    });
  }

  private lifetimeChange({ idleTimeoutMs }: RequestSession, live: LiveSession): SessionLifetime | undefined {
    return idleTimeoutMs === undefined || idleTimeoutMs === live.lifetime.idleTimeoutMs ? undefined : { ...live.lifetime, idleTimeoutMs };
  }

  /** A request that ran long (a stream, a slow handler) was use of the session until now. */
  private isTouchDue({ live }: RequestSession): boolean {
    return live !== undefined && !live.isEnded && live.isTouchDue(this.settings.touchIntervalMs);
  }

  private async touch(live: LiveSession): Promise<void> {
    if (!(await this.store.touch(live.key))) {
      live.end();
      throw new SessionEndedError();
    }
    live.wasTouched();
  }

  private reportConflict({ live }: RequestSession, error: unknown): void {
    if (live && error instanceof SessionConflictError) {
      this.events.emit('conflict', { session: sessionHash(live.key), bean: error.bean, field: error.field });
    }
  }

  private async callDestroyed(instance: object): Promise<void> {
    try {
      await (instance as { onBeanDestroyed(): void | Promise<void> }).onBeanDestroyed();
    } catch (error) {
      this.onHookError(error);
    }
  }
}

const NOTHING = (): void => undefined;
