import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import type { NamedByHandle } from '../store/session-handle.js';
import { type ClientAccess, type SessionKey, ownText } from '../store/session-id.js';
import { isUpToEpoch, type SessionRecord } from '../store/session-record.js';
import type { LoadResult, SessionLocation } from '../store/session-store.js';
import type { StoreGateway } from '../store/store-gateway.js';
import type { RequestFacts } from '../timing/request-facts.js';
import type { RequestTiming } from '../timing/request-timing.js';
import { type AccessEntry, AccessMap } from './access-map.js';
import { LiveSession, type LiveSessionSettings } from './live-session.js';
import type { NearCache } from './near-cache.js';
import type { NewSession } from './stored-session.js';
import { WriteBehind } from './write-behind.js';

/** Why a request has no session: there is `none`, or its id was replaced by another a short while ago. */
export type NoSession = 'none' | 'superseded';

/** A load of a session that is not live yet. */
interface Loading extends AccessEntry<Loading> {
  live: Promise<LiveSession | NoSession>;

  /** Others may have changed the session since the load was sent. */
  isDoubted: boolean;
}

/**
 * The live sessions of this server: at most one per session and id. Loads are shared by requests that present the same
 * id, so nobody waits for the load of a wrong one. A request acquires its session and releases it; a session that
 * no request uses is forgotten, so memory follows the number of running requests, unless a near cache keeps it.
 */
export class LiveSessions {
  private readonly sessions = new AccessMap<LiveSession>();
  private readonly loading = new AccessMap<Loading>();

  /** The sessions of which changes wait to be stored. */
  readonly writeBehind = new WriteBehind((live) => this.release(live));

  constructor(
    private readonly gateway: StoreGateway,
    private readonly settings: LiveSessionSettings,
    private readonly cache?: NearCache,
  ) {
    if (cache?.listens) gateway.subscribe((key) => this.untrust(key));
  }

  /** How many there are, for metrics and tests. */
  get size(): number {
    return this.sessions.size;
  }

  /** For metrics and tests. */
  [Symbol.iterator](): Iterator<LiveSession> {
    return this.sessions.values();
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
    access: ClientAccess,
    locator?: string,
    saves?: number,
    timing?: RequestTiming,
  ): MaybePromise<LiveSession | NoSession> {
    return timing ? this.findTimed(timing, access, locator, saves) : this.find(access, locator, saves);
  }

  /**
   * The session that the application itself names, under the id that it has now. As new as the store's at the time of
   * the call: no client says how much of it has been shown, so no copy is trusted for that. Release it.
   * @throws SessionStoreError
   */
  async acquireNamed(named: NamedByHandle): Promise<LiveSession | 'none'> {
    for (;;) {
      const found = await this.findNamed(named);
      // Under another id by now, which the next look finds.
      if (found !== 'superseded') return found;
    }
  }

  /** The live session of an id that was just generated. Release it. */
  create(access: ClientAccess, session: NewSession): LiveSession {
    return this.add(new LiveSession(this.kept(access), this.gateway, this.settings, session));
  }

  /** A session under its new id, as the store has accepted it. Release it. */
  renewed(access: ClientAccess, record: SessionRecord, location: SessionLocation): LiveSession {
    return this.add(new LiveSession(this.kept(access), this.gateway, this.settings, record, location));
  }

  /** A session that is over, as the store has told of it. It is no live session of this server. */
  over(key: SessionKey, record: SessionRecord): LiveSession {
    const live = new LiveSession({ key, proof: record.proof }, this.gateway, this.settings, record);
    live.end();
    return live;
  }

  /**
   * Ends a session on this server, under each of its ids, as long as the same principal is logged in.
   * @param confirmed see `LiveSession.end`
   */
  end({ key, logins }: { readonly key: SessionKey; readonly logins: number }, confirmed: Promise<unknown>): void {
    for (const live of this.sessions.ofKey(key)) if (live.stored.identity.logins === logins) live.end(confirmed);
  }

  /** All sessions up to this epoch of the store are over. */
  endUntil(epoch: number): void {
    for (const live of Array.from({ [Symbol.iterator]: () => this.sessions.values() })) {
      const { times } = live.stored;
      if (live.isEnded || !times || !isUpToEpoch(times, epoch)) continue;
      live.end();
      if (live.users === 0) this.forget(live);
    }
  }

  release(live: LiveSession): void {
    live.users--;
    if (live.users > 0) return;
    if (live.isEnded || !this.cache) return this.forget(live);
    for (const evicted of this.cache.keep(live)) this.forget(evicted);
  }

  private findTimed(
    timing: RequestTiming,
    access: ClientAccess,
    locator: string | undefined,
    saves: number | undefined,
  ): MaybePromise<LiveSession | NoSession> {
    timing.facts.presents(locator);
    return timing.during('sessionLoad', () => this.find(access, locator, saves, timing.facts));
  }

  /** @param facts are told where the session came from */
  private find(
    access: ClientAccess,
    locator: string | undefined,
    saves: number | undefined,
    facts?: RequestFacts,
  ): MaybePromise<LiveSession | NoSession> {
    const live = this.sessions.get(access);
    if (live) return this.join(live, locator, saves, facts);
    const loading = this.loading.get(access);
    if (!loading) return this.load(access, locator, facts);
    // A load that was sent before this request came may miss what was stored since: join its session, which asks again.
    return loading.live.then((found) => (isLive(found) ? this.find(access, locator, saves, facts) : found));
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

  private findNamed(named: NamedByHandle): MaybePromise<LiveSession | NoSession> {
    for (const live of this.sessions.ofKey(named.key)) {
      const isNamed = !live.isRenewed && live.stored.identity.logins === named.logins;
      if (isNamed) return this.joinNamed(live);
    }
    return this.loadNamed(named);
  }

  private joinNamed(live: LiveSession): MaybePromise<LiveSession | NoSession> {
    live.users++;
    this.cache?.remove(live);
    return this.isTrusted(live, undefined) ? live : this.revalidate(live, undefined, undefined, false);
  }

  private async loadNamed({ key, logins }: NamedByHandle): Promise<LiveSession | NoSession> {
    const result = await this.gateway.load({ key, logins });
    if (result.outcome !== 'found') return 'none';
    const { proof } = result.record;
    const present = this.sessions.get({ key, proof });
    if (present) return this.joinNamed(present);
    const live = this.loaded({ key, proof }, result, undefined);
    // A notice of a change by others during this load has found no session here that it could mark.
    if (isLive(live)) live.untrustWatch();
    return live;
  }

  private async revalidate(
    live: LiveSession,
    locator: string | undefined,
    facts: RequestFacts | undefined,
    isClient = true,
  ): Promise<LiveSession | NoSession> {
    const { reloads } = live;
    let stillLives = false;
    try {
      stillLives = await live.revalidate(locator, isClient);
    } finally {
      if (!stillLives) this.release(live);
    }
    if (!stillLives) return live.isRenewed ? 'superseded' : 'none';
    if (live.reloads > reloads) facts?.loaded(live.stored.payloads);
    else if (facts) facts.cache = 'validated';
    return live;
  }

  private isTrusted(live: LiveSession, saves: number | undefined): boolean {
    return this.gateway.isShared ? (this.cache?.trusts(live, saves) ?? false) : live.isFresh();
  }

  private load(
    access: ClientAccess,
    locator: string | undefined,
    facts: RequestFacts | undefined,
  ): MaybePromise<LiveSession | NoSession> {
    const answer = this.gateway.load(access, undefined, locator);
    if (!isPromise(answer)) return this.loaded(access, answer, facts);
    const loading: Loading = { access, sibling: undefined, live: NOTHING, isDoubted: false };
    this.loading.set(loading);
    const found = answer.then((result) => {
      // The application may have named the session meanwhile.
      const present = this.sessions.get(access);
      if (present) return this.join(present, locator, undefined, facts);
      const live = this.loaded(access, result, facts);
      if (loading.isDoubted && isLive(live)) live.untrustWatch();
      return live;
    });
    // Only now that the session is live: in between, another request would load it a second time.
    return (loading.live = found.finally(() => this.loading.delete(loading)));
  }

  private loaded(access: ClientAccess, result: LoadResult, facts: RequestFacts | undefined): LiveSession | NoSession {
    if (result.outcome === 'superseded') return 'superseded';
    if (result.outcome !== 'found') return 'none';
    const { record, ...location } = result;
    for (const live of this.sessions.ofKey(access.key)) {
      if (live.stored.identity.generation >= record.generation) continue;
      live.endAs('superseded');
      // For how long the former id is recognised is the store's matter.
      if (live.users === 0) this.forget(live);
    }
    const live = new LiveSession(this.kept(access), this.gateway, this.settings, record, location);
    facts?.loaded(live.stored.payloads);
    return this.add(live);
  }

  /** A kept session outlives its request, and must keep neither the header of that nor the id. */
  private kept(access: ClientAccess): ClientAccess {
    return this.cache ? { key: ownText(access.key), proof: ownText(access.proof) } : access;
  }

  /** Others may have changed the session. */
  private untrust(key: SessionKey): void {
    for (const live of this.sessions.ofKey(key)) live.untrustWatch();
    for (const loading of this.loading.ofKey(key)) loading.isDoubted = true;
  }

  private add(live: LiveSession): LiveSession {
    live.users++;
    this.sessions.set(live);
    return live;
  }

  private forget(live: LiveSession): void {
    this.cache?.remove(live);
    this.sessions.delete(live);
  }
}

export function isLive(found: LiveSession | string): found is LiveSession {
  return typeof found === 'object';
}

/** Made outside of every request: on Node 20 a promise keeps the request alive in which it was made. */
const NOTHING = Promise.resolve<NoSession>('none');
