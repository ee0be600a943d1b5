import type { BeanRegistry } from '../bean/bean-registry.js';
import { SessionBeanError } from '../errors/session-bean.error.js';
import { SessionStoreError } from '../errors/session-store.error.js';
import { applyCommit } from '../live/apply-commit.js';
import { type LiveSessions, type NoSession, isLive } from '../live/live-sessions.js';
import type { LiveSession } from '../live/live-session.js';
import { PendingCommit } from '../live/pending-commit.js';
import { Deadline } from '../store/deadline.js';
import { accessOf } from '../store/session-id.js';
import type { SessionLifetime } from '../store/session-record.js';
import type { StoreGateway } from '../store/store-gateway.js';
import { AttributesBean } from './attributes-bean.js';
import type { BeanClass, FormerContent, FormerSession } from './former-session.js';
import { type SessionEvents, sessionRef } from './session-events.js';
import { UnitOfWork } from './unit-of-work.js';

/** The options of the module that taking over reads. */
export interface TakeOverSettings extends SessionLifetime {
  readonly maxSessionBytes: number;

  /** Left out where nothing is taken over. */
  readonly storeTimeoutMs?: number;
}

/**
 * Takes over sessions of other libraries, each once. The new session is created under an id that follows from the
 * former one, and a store creates a key only once: of several requests that bring the same former session, on any
 * server, one creates it, and the others go on with what that has created. Before it is there, the former one stays as
 * it is; it is marked as taken before any client gets the new id.
 */
export class FormerSessions {
  private readonly deadline: Deadline | undefined;

  constructor(
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly beans: BeanRegistry,
    private readonly events: SessionEvents,
    private readonly settings: TakeOverSettings,
  ) {
    const { storeTimeoutMs } = settings;
    this.deadline = storeTimeoutMs === undefined ? undefined : new Deadline(storeTimeoutMs, '(storeTimeoutMs)');
  }

  /**
   * @returns the session that goes on. Release it
   * @throws SessionStoreError when one of the two stores cannot be asked; SessionStateError when the content cannot be
   * stored; what `into` throws. Then nothing was taken
   */
  async take(former: FormerSession): Promise<LiveSession | NoSession> {
    const content = await this.ask(former, 'load', former.load());
    if (content === undefined) return 'none';
    const access = accessOf(former.id);
    if (content === 'taken') return this.liveSessions.acquire(access);
    const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = this.settings;
    const created = await this.gateway.save({
      mode: 'create',
      ...access,
      lifetime: { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs },
      parts: this.partsFor(former, content),
    });
    await this.ask(former, 'destroy', former.taken());
    const live = await this.liveSessions.acquire(access, 'locator' in created ? created.locator : undefined);
    if (created.outcome === 'saved' && isLive(live)) this.events.emit('created', { session: sessionRef(live) });
    return live;
  }

  private partsFor({ into }: FormerSession, content: FormerContent) {
    const unit = new UnitOfWork(undefined, () => undefined);
    const instanceOf = <T extends object>(type: BeanClass<T>): T => {
      const bean = this.beans.find(type as unknown as Parameters<BeanRegistry['find']>[0]);
      if (bean) return unit.instanceOf(bean) as T;
      throw new SessionBeanError(`migrateFrom: ${type?.name} is no bean of the application: give it to forFeature()`);
    };
    into(content, {
      set: (name, value) => void instanceOf(AttributesBean).attributes.set(name, value),
      bean: instanceOf,
    });
    const payloads = applyCommit(new PendingCommit(unit.differences()), new Map(), this.settings.maxSessionBytes);
    return new Map(Array.from(payloads, ([part, payload]) => [part, { base: null, payload }] as const));
  }

  private async ask<T>({ store }: FormerSession, operation: 'load' | 'destroy', call: Promise<T>): Promise<T> {
    try {
      return await (this.deadline?.limit(call) ?? call);
    } catch (cause) {
      const applied = operation === 'load' ? false : 'unknown';
      const problem = 'the store of the sessions that migrateFrom takes over failed';
      throw new SessionStoreError({ store, operation, problem, applied, cause });
    }
  }
}
