import type { SessionKey } from '../store/session-key.js';
import { ShortLivedMap } from '../store/short-lived-map.js';
import type { RequestFacts } from '../timing/request-facts.js';
import type { LiveSessionSettings } from './live-session-settings.js';
import { LiveSession } from './live-session.js';
import type { NearCache } from './near-cache.js';
import { RenewedId } from './renewed-id.js';
import type { NewSession } from './new-session.js';
import type { StoreGateway } from '../store/store-gateway.js';

/** A load of a session that is not live yet. */
interface Loading {
  live: Promise<LiveSession | undefined>;

  /** Somebody else may have changed the session since it was sent. */
  isDoubted: boolean;
}

/**
 * The live sessions of this server: at most one per key. A request acquires its session and releases it; what nobody uses is forgotten, so memory
 * follows the number of running requests, unless a near cache keeps it.
 */
export class LiveSessions {
  private readonly byKey = new ShortLivedMap<SessionKey, LiveSession>();
  private readonly loading = new ShortLivedMap<SessionKey, Loading>();

  constructor(
    private readonly store: StoreGateway,
    private readonly settings: LiveSessionSettings,
    private readonly cache?: NearCache,
  ) {
    if (cache?.listens) store.subscribe((key) => this.doubt(key));
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
   * The session of a request, as new as the store's at the time of the call (with a near cache in mode `bounded`: as its guarantee says); undefined
   * when there is none. Release it.
   *
   * @param locator what the client says about where the session is
   * @param saves how often the session had been saved when the client was last shown it, if it says so
   * @param facts of the request, if it is measured: are told where the session came from
   * @throws SessionStoreError; RenewedId
   */
  acquire(key: SessionKey, locator?: string, saves?: number, facts?: RequestFacts): Promise<LiveSession | undefined> {
    const live = this.byKey.get(key);
    if (live) return this.join(live, locator, saves, facts);
    const loading = this.loading.get(key);
    if (!loading) return this.load(key, locator, facts);
    // A load that was sent before this request came may miss what was stored since: join what it brings, which asks again.
    return loading.live.then((loaded) => loaded && this.acquire(key, locator, saves, facts));
  }

  /** Like `acquire`, in the call itself, where the store need not be asked or answers at once; undefined where only `acquire` can tell. */
  acquireAtOnce(key: SessionKey, saves?: number, facts?: RequestFacts): LiveSession | undefined {
    const live = this.byKey.get(key);
    if (!live) return this.loading.has(key) ? undefined : this.loadAtOnce(key, facts);
    if (!this.isTrusted(live, saves)) return undefined;
    live.users++;
    this.cache?.take(live);
    if (facts) facts.cache = 'hit';
    return live;
  }

  /** The live session of an id that was just generated. Release it. */
  create(key: SessionKey, birth: NewSession): LiveSession {
    return this.add(new LiveSession(key, this.store, this.settings, birth));
  }

  /** Another request, or the near cache, may take what the one that ends leaves. */
  isKeptAfter(live: LiveSession): boolean {
    return live.users > 1 || this.cache !== undefined;
  }

  release(live: LiveSession): void {
    live.users--;
    if (live.users > 0) return;
    if (live.isEnded || !this.cache) return this.forget(live);
    for (const evicted of this.cache.keep(live)) this.forget(evicted);
  }

  private async join(
    live: LiveSession,
    locator: string | undefined,
    saves: number | undefined,
    facts: RequestFacts | undefined,
  ): Promise<LiveSession | undefined> {
    live.users++;
    this.cache?.take(live);
    const { reloads } = live;
    try {
      if (this.isTrusted(live, saves)) {
        if (facts) facts.cache = 'hit';
        return live;
      }
      if (await live.revalidate(locator)) {
        if (live.reloads > reloads) facts?.loaded(live.ground.payloads);
        else if (facts) facts.cache = 'validated';
        return live;
      }
    } catch (error) {
      this.release(live);
      throw error;
    }
    this.release(live);
    if (live.isRenewed) throw new RenewedId();
    return undefined;
  }

  private isTrusted(live: LiveSession, saves: number | undefined): boolean {
    return this.store.isShared ? (this.cache?.trusts(live, saves) ?? false) : live.isFresh();
  }

  private load(
    key: SessionKey,
    locator: string | undefined,
    facts: RequestFacts | undefined,
  ): Promise<LiveSession | undefined> {
    const loading: Loading = { live: NOTHING, isDoubted: false };
    this.loading.set(key, loading);
    loading.live = this.loadInto(loading, key, locator, facts);
    return loading.live;
  }

  private loadAtOnce(key: SessionKey, facts: RequestFacts | undefined): LiveSession | undefined {
    const result = this.store.loadAtOnce(key);
    if (result?.outcome !== 'found') return undefined;
    const live = new LiveSession(key, this.store, this.settings, result.record, result);
    facts?.loaded(live.ground.payloads);
    return this.add(live);
  }

  private async loadInto(
    loading: Loading,
    key: SessionKey,
    locator: string | undefined,
    facts: RequestFacts | undefined,
  ): Promise<LiveSession | undefined> {
    try {
      const result = await this.store.load(key, undefined, locator);
      if (result.outcome === 'none' && result.renewed) throw new RenewedId();
      if (result.outcome !== 'found') return undefined;
      const live = new LiveSession(key, this.store, this.settings, result.record, result);
      if (loading.isDoubted) live.doubt();
      facts?.loaded(live.ground.payloads);
      return this.add(live);
    } finally {
      this.loading.delete(key);
    }
  }

  /** Somebody else may have changed the session. */
  private doubt(key: SessionKey): void {
    this.byKey.get(key)?.doubt();
    const loading = this.loading.get(key);
    if (loading) loading.isDoubted = true;
  }

  private add(live: LiveSession): LiveSession {
    live.users++;
    this.byKey.set(live.key, live);
    return live;
  }

  private forget(live: LiveSession): void {
    this.cache?.take(live);
    if (this.byKey.get(live.key) === live) this.byKey.delete(live.key);
  }
}

/** Made outside of every request: on Node 20 a promise holds on to the request it was made in. */
const NOTHING = Promise.resolve(undefined);
