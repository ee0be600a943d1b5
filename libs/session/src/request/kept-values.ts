import type { BeanRegistry } from '../bean/bean-registry.js';
import { BeanState } from '../bean/bean-state.js';
import { SessionBean } from '../bean/session-bean.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { LiveSessions } from '../live/live-sessions.js';
import type { Clock } from '../store/clock.js';
import { accessOf } from '../store/session-id.js';
import { type KeptEntry, type KeptValuesBean, keptValuesBean } from './kept-entries.js';
import type { RequestState } from './request-state.js';
import type { UnitOfWork } from './unit-of-work.js';
import { ValueCalls, type ValueMaker, type ValueSource } from './value-calls.js';

/** Those of an application. */
export function keptValues(
  beans: BeanRegistry,
  liveSessions: LiveSessions,
  clock: Clock,
  onLogin: 'keep' | 'reset',
): KeptValues {
  const ofCalls = keptValuesBean(onLogin, 'reject');
  const bean = new SessionBean(ofCalls, new BeanState(ofCalls), []);
  bean.inject([]);
  const calls = new ValueCalls(liveSessions, bean, clock);
  return new KeptValues(beans.registerBuiltIn(keptValuesBean(onLogin, 'latest')), calls, clock);
}

/** The values of `getOrCreate()` as a request sees them, and the way to those that are not there yet. */
export class KeptValues {
  /** Calls of requests whose session nobody else knows. */
  private readonly here = new WeakMap<RequestState, Map<string, Promise<unknown>>>();

  constructor(
    readonly bean: SessionBean,
    private readonly calls: ValueCalls,
    private readonly clock: Clock,
  ) {}

  /** In an array, since the value may be undefined. */
  find(unit: UnitOfWork, name: string): readonly [unknown] | undefined {
    const entry = this.entriesOf(unit)?.get(name)?.[0];
    return entry?.state === 'kept' && entry.expiresAt > this.clock.now() ? [entry.value] : undefined;
  }

  names(unit: UnitOfWork): string[] {
    return [...(this.entriesOf(unit)?.keys() ?? [])].filter((name) => this.find(unit, name));
  }

  /** @returns whether there was a value */
  delete(unit: UnitOfWork, name: string): boolean {
    const isThere = this.find(unit, name) !== undefined;
    this.entriesOf(unit)?.delete(name);
    return isThere;
  }

  /** When a value that is made now is not valid any more. @throws SessionStateError */
  expiry(ttlMs: unknown): number {
    if (ttlMs === undefined) return Number.POSITIVE_INFINITY;
    if (typeof ttlMs === 'number' && !Number.isNaN(ttlMs)) return this.clock.now() + ttlMs;
    throw new SessionStateError('HttpSession.getOrCreate', `takes a ttlMs that is a number of ms, not ${typeof ttlMs}`);
  }

  /** The value, which is not there, made by this request or another one. */
  async make(request: RequestState, maker: ValueMaker, waitMs: number): Promise<unknown> {
    const source = sourceOf(request);
    if (!source) return this.makeHere(request, maker);
    const made = await this.calls.ask(source, maker, waitMs);
    const { unit } = request;
    // It may have left the session meanwhile.
    if (unit && made.stored !== undefined && sameSource(sourceOf(request), source)) {
      unit.bringUp(this.bean, made.stored);
      const found = this.find(unit, maker.name);
      if (found) return found[0];
    }
    const alone = this.bean.create() as KeptValuesBean;
    this.bean.state.restore(alone, made.alone);
    const [entry] = alone.entries.get(maker.name) as [Extract<KeptEntry, { state: 'kept' }>];
    return entry.value;
  }

  /** The session starts, or another principal gets it, with the response: nobody else can ask for the value yet. */
  private makeHere(request: RequestState, maker: ValueMaker): Promise<unknown> {
    const calls = this.here.get(request) ?? new Map<string, Promise<unknown>>();
    this.here.set(request, calls);
    const known = calls.get(maker.name);
    if (known) return known;
    const call = this.create(request, maker).finally(() => calls.delete(maker.name));
    calls.set(maker.name, call);
    return call;
  }

  private async create(request: RequestState, maker: ValueMaker): Promise<unknown> {
    const value = await maker.create({ signal: new AbortController().signal });
    const { entries } = request.unitFor('HttpSession.getOrCreate').instanceOf(this.bean) as KeptValuesBean;
    entries.set(maker.name, [{ state: 'kept', by: 'start', value, expiresAt: maker.expiresAt(value) }]);
    return value;
  }

  private entriesOf(unit: UnitOfWork): KeptValuesBean['entries'] | undefined {
    if (!unit.holds(this.bean)) return undefined;
    const { entries } = unit.instanceOf(this.bean) as KeptValuesBean;
    return entries instanceof Map ? entries : undefined;
  }
}

/** Undefined where nobody else knows the session that the request will have. */
function sourceOf({ hasSession, named, live, id, pendingActions }: RequestState): ValueSource | undefined {
  if (!hasSession || pendingActions.login?.keep !== undefined) return undefined;
  return named ? { named } : { access: live?.access ?? accessOf(id as string) };
}

function sameSource(one: ValueSource | undefined, other: ValueSource): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
