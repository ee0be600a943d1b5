import type { SessionBean } from '../bean/session-bean.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { type SessionSnapshot, emptySnapshot } from '../live/commit-queue.js';
import type { LiveSession } from '../live/live-session.js';
import type { PartDifference, PendingCommit } from '../live/pending-commit.js';
import { keptParts } from '../live/stored-session.js';
import type { SessionIdentity } from '../store/session-record.js';
import type { RequestTiming } from '../timing/request-timing.js';

/** A bean that the request has touched. */
interface TouchedBean {
  readonly bean: SessionBean;
  readonly instance: object;

  /** Payload that the instance was made from; null = the part did not exist. */
  base: string | null;

  /** Payload of the instance when it was made: `base`, or its encoded defaults. */
  reference: string;

  /** Payload of the last `differences()`. */
  mine: string;
}

type LifeCycleHook = 'onBeanCreated' | 'onBeanRestored' | 'beforeBeanSaved' | 'onBeanDestroyed';

/**
 * What one request sees and changes of a session: its own instances, made from one moment of the head, and the
 * difference that it will commit. Beans that are not touched are never decoded.
 */
export class UnitOfWork {
  private readonly beans = new Map<string, TouchedBean>();
  private snapshot: SessionSnapshot;
  private touched = false;
  private isWatched = false;
  private isInHooks = false;
  private hasNamed = false;
  /** See `afterLogin`. */
  private kept: readonly string[] = [];

  constructor(
    private live: LiveSession | undefined,
    /** Called when a fresh bean takes the place of stored state. */
    private readonly onUndecodable: (bean: SessionBean, error: SessionStateError, live: LiveSession) => void,
    private readonly timing?: RequestTiming,
  ) {
    this.snapshot = this.takeSnapshot();
  }

  /** Something was touched since the last `differences()`, or may have been. */
  get isTouched(): boolean {
    return this.touched || (this.isWatched && this.beans.size > 0);
  }

  /** Whose session it looks at, as stored; undefined where there is none. */
  get identity(): SessionIdentity | undefined {
    return this.live?.stored.identity;
  }

  /**
   * The same unit of work as it goes on after a login: it sees the parts that are kept, with the same instances.
   * @param keep names of these parts
   */
  afterLogin(keep: readonly string[]): UnitOfWork {
    const after = new UnitOfWork(this.live, this.onUndecodable, this.timing);
    after.snapshot = { ...this.snapshot, payloads: keptParts(this.snapshot.payloads, keep) };
    for (const [name, touched] of this.beans) if (keep.includes(name)) after.beans.set(name, touched);
    after.kept = keep;
    after.touched = this.touched;
    after.isWatched = this.isWatched;
    after.hasNamed = this.hasNamed;
    return after;
  }

  /** Takes back the instances of a unit of work that `afterLogin` made, whose login does not happen. */
  takeBack(after: UnitOfWork): void {
    for (const [name, touched] of after.beans) if (after.kept.includes(name)) this.beans.set(name, touched);
    this.touched ||= after.touched;
  }

  /** From now on instances may change at any time without being touched again: each commit looks at all of them. */
  watchAll(): void {
    this.isWatched = true;
  }

  /** The instance of this request, created or restored on first touch. */
  instanceOf(bean: SessionBean): object {
    this.touched = true;
    const known = this.beans.get(bean.name);
    if (known) return known.instance;
    const touched = this.timing ? this.openTimed(bean, this.timing) : this.open(bean);
    this.beans.set(bean.name, touched);
    return touched.instance;
  }

  /** Names of the stored beans and of those this request has touched. */
  beanNames(): string[] {
    // The response waits for what it shows.
    this.touched = true;
    this.hasNamed = true;
    return [...new Set([...this.snapshot.payloads.keys(), ...this.beans.keys()])];
  }

  /**
   * What this request has changed since it opened its instances (or since the last `rebase`).
   * @throws SessionStateError when a bean holds something that cannot be stored
   */
  differences(): PartDifference[] {
    this.timing?.begin('encode');
    try {
      return this.encoded();
    } finally {
      this.timing?.end('encode');
    }
  }

  /** Takes the instances for unchanged, without looking. */
  markUnchanged(): void {
    this.touched = false;
  }

  /** Commits that this unit of work has read the result of and that are not stored yet. */
  dependencies(): readonly PendingCommit[] {
    if (this.snapshot.unsaved.length === 0) return this.snapshot.unsaved;
    const unsaved = this.snapshot.unsaved.filter(({ bindsReaders }) => bindsReaders);
    if (this.hasNamed) return unsaved;
    const parts = [...this.beans.keys()];
    return unsaved.filter((commit) => parts.some((part) => commit.changes(part)));
  }

  /**
   * After a commit: the unit of work goes on from what was committed (and merged). Instances are brought up in place,
   * and changes that the request made to them while the commit was under way stay changes. Never fails, for the commit
   * is stored: a bean that cannot be brought up stays on what was committed, and its next change is merged or refused
   * as any other.
   *
   * @param live that of before, of the session that the commit created, or the one under the new id
   */
  rebase(live: LiveSession): void {
    this.live = live;
    this.snapshot = this.takeSnapshot();
    for (const touched of this.beans.values()) bringUp(touched, this.snapshot.payloads.get(touched.bean.name));
  }

  /** Shows one bean as it is stored by now, with what the request did to it on top. The others stay as they are. */
  bringUp({ name }: SessionBean, payload: string): void {
    this.snapshot = { ...this.snapshot, payloads: new Map(this.snapshot.payloads).set(name, payload) };
    const touched = this.beans.get(name);
    if (touched) bringUp(touched, payload);
  }

  /** Forgets what this request did: instances are dropped, the next touch starts from the head. */
  rollback(): void {
    this.beans.clear();
    this.touched = false;
    this.snapshot = this.takeSnapshot();
  }

  /** Forgets what this request did to one bean. */
  forget({ name }: SessionBean): void {
    this.beans.delete(name);
  }

  /** The session has the bean stored, or this request has touched it. */
  holds(bean: SessionBean): boolean {
    return this.beans.has(bean.name) || this.snapshot.payloads.has(bean.name);
  }

  private takeSnapshot(): SessionSnapshot {
    const { live, timing } = this;
    if (!live) return emptySnapshot;
    const snapshot = live.snapshot();
    timing?.facts.sees(live.key, snapshot.payloads);
    return snapshot;
  }

  private encoded(): PartDifference[] {
    if (this.isInHooks) {
      throw new SessionStateError(
        'beforeBeanSaved()',
        'called HttpSession.flush() or runExclusive(), which store what this hook belongs to: leave it to the handler',
      );
    }
    // All hooks first: one may touch another bean.
    this.isInHooks = true;
    try {
      for (const { instance } of this.beans.values()) callHook(instance, 'beforeBeanSaved');
    } finally {
      this.isInHooks = false;
    }
    const differences: PartDifference[] = [];
    for (const touched of this.beans.values()) {
      const { bean, instance, base, reference } = touched;
      const mine = bean.state.encode(instance, reference);
      touched.mine = mine;
      if (mine !== reference) differences.push({ bean, base, reference, mine });
    }
    this.touched = false;
    return differences;
  }

  private openTimed(bean: SessionBean, timing: RequestTiming): TouchedBean {
    timing.facts.touches(bean.name);
    timing.begin('decode');
    try {
      return this.open(bean);
    } finally {
      timing.end('decode');
    }
  }

  private open(bean: SessionBean): TouchedBean {
    const base = this.snapshot.payloads.get(bean.name);
    if (base === undefined) return openFresh(bean, null);
    const instance = bean.create();
    try {
      bean.state.restore(instance, base);
    } catch (error) {
      const isDamaged = error instanceof SessionStateError && error.reason === 'undecodable';
      if (!isDamaged || bean.definition.onUndecodable === 'reject') throw error;
      if (this.live) this.onUndecodable(bean, error, this.live);
      return openFresh(bean, base);
    }
    callHook(instance, 'onBeanRestored');
    return { bean, instance, base, reference: base, mine: base };
  }
}

function openFresh(bean: SessionBean, base: string | null): TouchedBean {
  const instance = bean.create();
  const reference = bean.state.encode(instance);
  callHook(instance, 'onBeanCreated');
  return { bean, instance, base, reference, mine: reference };
}

/** Makes the instance show `payload`, or leaves it on `mine` where that cannot be. */
function bringUp(touched: TouchedBean, payload: string | undefined): void {
  const ground = payload === undefined || shows(touched, payload) ? payload : touched.mine;
  if (ground !== undefined) touched.base = touched.reference = touched.mine = ground;
}

/** @returns whether the instance now shows `payload`, with what the request did to it since `mine` on top */
function shows({ bean, instance, mine }: TouchedBean, payload: string): boolean {
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

function callHook(instance: object, hook: LifeCycleHook): void {
  const method: unknown = Reflect.get(instance, hook);
  if (typeof method === 'function') Reflect.apply(method, instance, []);
}
