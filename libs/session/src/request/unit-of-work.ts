import type { SessionBean } from '../bean/session-bean.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { RequestTiming } from '../timing/request-timing.js';
import type { LiveSession } from '../live/live-session.js';
import type { PartDifference } from '../live/part-difference.js';
import type { PendingCommit } from '../live/pending-commit.js';
import { type SessionSnapshot, emptySnapshot } from '../live/session-snapshot.js';

interface TakenBean {
  readonly bean: SessionBean;
  readonly instance: object;

  /** Payload it was taken from; null = the part did not exist. */
  base: string | null;

  /** Payload the instance had when it was taken: `base`, or its encoded defaults. */
  reference: string;

  /** Payload of the last `differences()`. */
  mine: string;
}

type LifeCycleHook = 'onBeanCreated' | 'onBeanRestored' | 'beforeBeanSaved' | 'onBeanDestroyed';

/**
 * What one request sees and changes of a session: its own instances, taken from one moment of the head, and the difference that it
 * will commit. Beans that are not touched are never decoded.
 */
export class UnitOfWork {
  private readonly taken = new Map<string, TakenBean>();
  private snapshot: SessionSnapshot;
  private touched = false;
  private isWatched = false;

  constructor(
    private live: LiveSession | undefined,
    /** Told when stored state is replaced by a fresh bean. */
    private readonly onUndecodable: (bean: SessionBean, error: SessionStateError, live: LiveSession) => void,
    /** The request will store nothing, so what it is handed over needs no look. */
    private readonly isReadOnly = false,
    private readonly timing?: RequestTiming,
  ) {
    this.snapshot = live?.snapshot() ?? emptySnapshot;
  }

  /** Something was touched since the last `differences()`, or may have been. */
  get isTouched(): boolean {
    return this.touched || (this.isWatched && this.taken.size > 0);
  }

  /** From now on everything taken may change at any time without being touched again: each commit looks at all of it. */
  watchAll(): void {
    this.isWatched = true;
  }

  /** The instance of this request, created or restored on first touch. */
  instanceOf(bean: SessionBean): object {
    this.touched = true;
    const taken = this.taken.get(bean.name);
    if (taken) return taken.instance;
    const next = this.timing ? this.takeTimed(bean, this.timing) : this.take(bean);
    this.taken.set(bean.name, next);
    return next.instance;
  }

  /** Names of the stored beans and of those this request has touched. */
  beanNames(): string[] {
    return [...new Set([...this.snapshot.payloads.keys(), ...this.taken.keys()])];
  }

  /**
   * What this request has changed since it took its instances (or since the last `rebase`). Where time is measured, the caller calls `catchUp` unless another phase begins at once.
   * @throws SessionStateError when a bean holds something that cannot be stored
   */
  differences(): PartDifference[] {
    this.timing?.begin('encode');
    try {
      return this.differencesNow();
    } finally {
      this.timing?.endNext('encode');
    }
  }

  private differencesNow(): PartDifference[] {
    // All hooks first: one may touch another bean.
    for (const { instance } of this.taken.values()) callHook(instance, 'beforeBeanSaved');
    const differences: PartDifference[] = [];
    for (const taken of this.taken.values()) {
      const { bean, instance, base, reference } = taken;
      const mine = bean.state.encode(instance, reference);
      taken.mine = mine;
      if (mine !== reference) differences.push({ bean, base, reference, mine });
    }
    this.touched = false;
    return differences;
  }

  /** Takes what there is for unchanged, without looking. */
  settle(): void {
    this.touched = false;
  }

  /** Commits that this unit of work has read the result of and that are not stored yet. */
  dependencies(): readonly PendingCommit[] {
    const parts = [...this.taken.keys()];
    return this.snapshot.unsaved.filter((commit) => parts.some((part) => commit.touches(part)));
  }

  /**
   * After a commit: what was committed (and merged) is what this unit of work goes on from. Instances are brought up in place, and what
   * the request did to them while the commit was under way stays a change. Never fails, for the commit is stored: a bean that
   * cannot be brought up stays on what was committed, and its next change is merged or refused as any other.
   *
   * @param live that of before, of the session that the commit created, or the one under the new id
   */
  rebase(live: LiveSession): void {
    this.live = live;
    this.snapshot = live.snapshot();
    for (const taken of this.taken.values()) {
      const payload = this.snapshot.payloads.get(taken.bean.name);
      const ground = payload === undefined || bringUp(taken, payload) ? payload : taken.mine;
      if (ground !== undefined) taken.base = taken.reference = ground;
    }
  }

  /** The request is over: instances that equal what is stored are left for the next one. Call after `differences()`. */
  handOver(live: LiveSession): void {
    for (const { bean, instance, base, reference } of this.taken.values()) {
      // A transient value is the request's own: the next one starts from the initial value.
      const isWhole = bean.definition.transient.size === 0;
      if (isWhole && base !== null && base === reference) live.leaveInstance(bean.name, base, instance);
    }
    this.taken.clear();
  }

  /** Forgets what this request did: instances are dropped, the next touch starts from the head. */
  rollback(): void {
    this.taken.clear();
    this.touched = false;
    this.snapshot = this.live?.snapshot() ?? emptySnapshot;
  }

  /** The session has the bean stored, or this request has touched it. */
  holds(bean: SessionBean): boolean {
    return this.taken.has(bean.name) || this.snapshot.payloads.has(bean.name);
  }

  private takeTimed(bean: SessionBean, timing: RequestTiming): TakenBean {
    timing.facts.touches(bean.name);
    timing.begin('decode');
    try {
      return this.take(bean);
    } finally {
      timing.end('decode');
    }
  }

  private take(bean: SessionBean): TakenBean {
    const base = this.snapshot.payloads.get(bean.name);
    if (base === undefined) return this.fresh(bean, null);
    const left = this.live?.takeInstance(bean.name, base);
    if (left && (this.isReadOnly || shows(bean, left, base)))
      return { bean, instance: left, base, reference: base, mine: base };
    const instance = bean.create();
    try {
      bean.state.restore(instance, base);
    } catch (error) {
      if (
        !(error instanceof SessionStateError) ||
        error.reason !== 'undecodable' ||
        bean.definition.onUndecodable === 'reject'
      )
        throw error;
      if (this.live) this.onUndecodable(bean, error, this.live);
      return this.fresh(bean, base);
    }
    callHook(instance, 'onBeanRestored');
    return { bean, instance, base, reference: base, mine: base };
  }

  private fresh(bean: SessionBean, base: string | null): TakenBean {
    const instance = bean.create();
    const reference = bean.state.encode(instance);
    callHook(instance, 'onBeanCreated');
    return { bean, instance, base, reference, mine: reference };
  }
}

/** @returns whether the instance now shows `payload`, with what the request did to it since `mine` on top */
function bringUp({ bean, instance, mine }: TakenBean, payload: string): boolean {
  if (payload === mine) return true;
  try {
    const now = bean.state.encode(instance);
    const merged = bean.state.merge(mine, now, payload);
    if (merged.outcome === 'merged') bean.state.restore(instance, merged.payload);
    return merged.outcome === 'merged';
  } catch {
    return false;
  }
}

/** Code that outlived its request may still hold the instance and have changed it: then it is nobody's state. */
function shows(bean: SessionBean, instance: object, payload: string): boolean {
  try {
    return bean.state.encode(instance, payload) === payload;
  } catch {
    return false;
  }
}

function callHook(instance: object, hook: LifeCycleHook): void {
  const method: unknown = Reflect.get(instance, hook);
  if (typeof method === 'function') Reflect.apply(method, instance, []);
}
