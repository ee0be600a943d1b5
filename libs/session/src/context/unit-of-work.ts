import type { SessionBean } from '../bean/session-bean.js';
import { SessionConflictError } from '../errors/session-conflict.error.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { LiveSession } from './live-session.js';
import type { PartDifference, PendingCommit } from './pending-commit.js';
import { type SessionSnapshot, emptySnapshot } from './session-snapshot.js';

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

  constructor(
    private readonly live: LiveSession | undefined,
    /** Told when stored state is replaced by a fresh bean. */
    private readonly onUndecodable: (bean: SessionBean, error: SessionStateError) => void,
  ) {
    this.snapshot = live?.snapshot() ?? emptySnapshot;
  }

  /** Something was touched since the last `differences()`. */
  get isTouched(): boolean {
    return this.touched;
  }

  /** The instance of this request, created or restored on first touch. */
  instanceOf(bean: SessionBean): object {
    this.touched = true;
    const taken = this.taken.get(bean.name);
    if (taken) return taken.instance;
    const next = this.take(bean);
    this.taken.set(bean.name, next);
    return next.instance;
  }

  /** Names of the stored beans and of those this request has touched. */
  beanNames(): string[] {
    return [...new Set([...this.snapshot.payloads.keys(), ...this.taken.keys()])];
  }

  /**
   * What this request has changed since it took its instances (or since the last `rebase`).
   * @throws SessionStateError when a bean holds something that cannot be stored
   */
  differences(): PartDifference[] {
    const differences: PartDifference[] = [];
    for (const taken of this.taken.values()) {
      const { bean, instance, base, reference } = taken;
      callHook(instance, 'beforeBeanSaved');
      const mine = bean.state.encode(instance);
      taken.mine = mine;
      if (mine !== reference) differences.push({ bean, base, reference, mine });
    }
    this.touched = false;
    return differences;
  }

  /** Commits that this unit of work has read the result of and that are not stored yet. */
  dependencies(): readonly PendingCommit[] {
    return this.snapshot.unsaved.filter((commit) => [...this.taken.keys()].some((part) => commit.touches(part)));
  }

  /**
   * After a commit: what was committed (and merged) is what this unit of work goes on from. Instances are brought up in place, and what
   * the request did to them while the commit was under way stays a change.
   * @throws SessionConflictError when that clashes with what was merged
   */
  rebase(live: LiveSession): void {
    this.snapshot = live.snapshot();
    for (const taken of this.taken.values()) {
      const { bean, instance, mine } = taken;
      const payload = this.snapshot.payloads.get(bean.name);
      if (payload === undefined) continue;
      if (payload !== mine) {
        const now = bean.state.encode(instance);
        const merged = now === mine ? ({ outcome: 'merged', payload } as const) : bean.state.merge(mine, now, payload);
        if (merged.outcome === 'clash') throw new SessionConflictError(bean.name, merged.field);
        bean.state.restore(instance, merged.payload);
      }
      taken.base = payload;
      taken.reference = payload;
    }
  }

  /** The request is over: instances that equal what is stored are left for the next one. Call after `differences()`. */
  handOver(live: LiveSession): void {
    for (const { bean, instance, base, reference } of this.taken.values()) {
      if (base !== null && base === reference) live.leaveInstance(bean.name, base, instance);
    }
    this.taken.clear();
  }

  /** Forgets what this request did: instances are dropped, the next touch starts from the head. */
  rollback(): void {
    this.taken.clear();
    this.touched = false;
    this.snapshot = this.live?.snapshot() ?? emptySnapshot;
  }

  /** The beans of an ended session that want to know, stored ones included. */
  destroyedInstances(beans: Iterable<SessionBean>): object[] {
    const instances: object[] = [];
    for (const bean of beans) {
      if (!('onBeanDestroyed' in bean.definition.type.prototype)) continue;
      if (this.taken.has(bean.name) || this.snapshot.payloads.has(bean.name)) instances.push(this.instanceOf(bean));
    }
    return instances;
  }

  private take(bean: SessionBean): TakenBean {
    const base = this.snapshot.payloads.get(bean.name);
    if (base === undefined) return this.fresh(bean, null);
    const left = this.live?.takeInstance(bean.name, base);
    if (left) return { bean, instance: left, base, reference: base, mine: base };
    const instance = bean.create();
    try {
      bean.state.restore(instance, base);
    } catch (error) {
      if (!(error instanceof SessionStateError) || error.reason !== 'undecodable' || bean.definition.onUndecodable === 'refuse') throw error;
      this.onUndecodable(bean, error);
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

function callHook(instance: object, hook: LifeCycleHook): void {
  const method: unknown = Reflect.get(instance, hook);
  if (typeof method === 'function') Reflect.apply(method, instance, []);
}
