import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import type { SessionKey } from '../store/session-id.js';
import type { LoadResult } from '../store/session-store.js';
import type { StoreGateway } from '../store/store-gateway.js';
import { ShortLivedMap } from '../store/short-lived-map.js';
import type { RequestFacts } from '../timing/request-facts.js';
import type { RequestTiming } from '../timing/request-timing.js';
import { LiveSession, type LiveSessionSettings } from './live-session.js';
import type { NearCache } from './near-cache.js';
import type { NewSession } from './stored-session.js';

/** Why a request has no session: there is `none`, or its id was `renewed` a short while ago. */
export type NoSession = 'none' | 'renewed';

/** A load of a session that is not live yet. */
interface Loading {
  live: Promise<LiveSession | NoSession>;

  /** Others may have changed the session since the load was sent. */
  isDoubted: boolean;
}

/**
 * The live sessions of this server: at most one per key. A request acquires its session and releases it; a session that
 * no request uses is forgotten, so memory follows the number of running requests, unless a near cache keeps it.
 */
export class LiveSessions {
  private readonly byKey = new ShortLivedMap<SessionKey, LiveSession>();
  private readonly loading = new ShortLivedMap<SessionKey, Loading>();

  constructor(
    private readonly gateway: StoreGateway,
    private readonly settings: LiveSessionSettings,
    private readonly cache?: NearCache,
  ) {
    if (cache?.listens) gateway.subscribe((key) => this.untrust(key));
  }

  /** How many there are, for metrics and tests. */
  get size(): number {
    return this.byKey.size;
  }

  /** For metrics and tests. */
  [Symbol.iterator](): Iterator<LiveSession> {
    return this.byKey.values();
  }

  /**
   * The session of a request, as new as the store's at the time of the call (with a near cache in mode `bounded`: as
   * its guarantee says). Release it.
   *
   * @param locator where the session is, as the client says
   * @param saves how often the session had been saved when the client was last shown it, if it says so
   * @param timing of the request, if it is measured
   * @throws SessionStoreError, or rejects with it
   */
  acquire(
    key: SessionKey,
    locator?: string,
    saves?: number,
    timing?: RequestTiming,
  ): MaybePromise<LiveSession | NoSession> {
    return timing ? this.findTimed(timing, key, locator, saves) : this.find(key, locator, saves);
  }

  /** The live session of an id that was just generated. Release it. */
  create(key: SessionKey, session: NewSession): LiveSession {
    return this.add(new LiveSession(key, this.gateway, this.settings, session));
  }

  /** Another request, or the near cache, may use the instances that a request leaves. */
  isKeptAfter(live: LiveSession): boolean {
    return live.users > 1 || this.cache !== undefined;
  }

  release(live: LiveSession): void {
    live.users--;
    if (live.users > 0) return;
    if (live.isEnded || !this.cache) return this.forget(live);
    for (const evicted of this.cache.keep(live)) this.forget(evicted);
  }

  private findTimed(
    timing: RequestTiming,
    key: SessionKey,
    locator: string | undefined,
    saves: number | undefined,
  ): MaybePromise<LiveSession | NoSession> {
    timing.facts.presents(locator);
    return timing.during('sessionLoad', () => this.find(key, locator, saves, timing.facts));
  }

  /** @param facts are told where the session came from */
  private find(
    key: SessionKey,
    locator: string | undefined,
    saves: number | undefined,
    facts?: RequestFacts,
  ): MaybePromise<LiveSession | NoSession> {
    const live = this.byKey.get(key);
    if (live) return this.join(live, locator, saves, facts);
    const loading = this.loading.get(key);
    if (!loading) return this.load(key, locator, facts);
    // A load that was sent before this request came may miss what was stored since: join its session, which asks again.
    return loading.live.then((found) => (isLive(found) ? this.find(key, locator, saves, facts) : found));
  }

  private join(
    live: LiveSession,
    locator: string | undefined,
    saves: number | undefined,
    facts: RequestFacts | undefined,
  ): MaybePromise<LiveSession | NoSession> {
    live.users++;
    this.cache?.remove(live);
    if (!this.isTrusted(live, saves)) return this.revalidate(live, locator, facts);
    if (facts) facts.cache = 'hit';
    return live;
  }

  private async revalidate(
    live: LiveSession,
    locator: string | undefined,
    facts: RequestFacts | undefined,
  ): Promise<LiveSession | NoSession> {
    const { reloads } = live;
    let stillLives = false;
    try {
      stillLives = await live.revalidate(locator);
    } finally {
      if (!stillLives) this.release(live);
    }
    if (!stillLives) return live.isRenewed ? 'renewed' : 'none';
    if (live.reloads > reloads) facts?.loaded(live.stored.payloads);
    else if (facts) facts.cache = 'validated';
    return live;
  }

  private isTrusted(live: LiveSession, saves: number | undefined): boolean {
    return this.gateway.isShared ? (this.cache?.trusts(live, saves) ?? false) : live.isFresh();
  }

  private load(
    key: SessionKey,
    locator: string | undefined,
    facts: RequestFacts | undefined,
  ): MaybePromise<LiveSession | NoSession> {
    const answer = this.gateway.load(key, undefined, locator);
    if (!isPromise(answer)) return this.loaded(key, answer, facts);
    const loading: Loading = { live: NOTHING, isDoubted: false };
    this.loading.set(key, loading);
    const found = answer.then((result) => {
      const live = this.loaded(key, result, facts);
      if (loading.isDoubted && isLive(live)) live.untrustWatch();
      return live;
    });
    // Only now that the session is live: in between, another request would load it a second time.
    return (loading.live = found.finally(() => this.loading.delete(key)));
  }

  private loaded(key: SessionKey, result: LoadResult, facts: RequestFacts | undefined): LiveSession | NoSession {
    if (result.outcome === 'none' && result.renewed) return 'renewed';
    if (result.outcome !== 'found') return 'none';
    const live = new LiveSession(key, this.gateway, this.settings, result.record, result);
    facts?.loaded(live.stored.payloads);
    return this.add(live);
  }

  /** Others may have changed the session. */
  private untrust(key: SessionKey): void {
    this.byKey.get(key)?.untrustWatch();
    const loading = this.loading.get(key);
    if (loading) loading.isDoubted = true;
  }

  private add(live: LiveSession): LiveSession {
    live.users++;
    this.byKey.set(live.key, live);
    return live;
  }

  private forget(live: LiveSession): void {
    this.cache?.remove(live);
    if (this.byKey.get(live.key) === live) this.byKey.delete(live.key);
  }
}

export function isLive(found: LiveSession | NoSession): found is LiveSession {
  return typeof found === 'object';
}

/** Made outside of every request: on Node 20 a promise keeps the request alive in which it was made. */
const NOTHING = Promise.resolve<NoSession>('none');
