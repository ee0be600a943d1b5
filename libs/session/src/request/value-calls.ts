import { randomBytes } from 'node:crypto';
import type { SessionBean } from '../bean/session-bean.js';
import { errorOf, recordFailure } from '../errors/recorded-failure.js';
import { SessionBusyError } from '../errors/session-busy.error.js';
import { SessionConflictError } from '../errors/session-conflict.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { LiveSession } from '../live/live-session.js';
import { type LiveSessions, isLive } from '../live/live-sessions.js';
import { PendingCommit } from '../live/pending-commit.js';
import type { Clock } from '../store/clock.js';
import type { NamedByHandle } from '../store/session-handle.js';
import type { ClientAccess } from '../store/session-id.js';
import type { KeptEntry, KeptValuesBean } from './kept-entries.js';

/** A server that has not said for this long that it is still at it counts as dead. It says so three times as often. */
const LEASE_MS = 10_000;

/** Longest pause before the session is looked at again, while another server is at it. */
const LONGEST_PAUSE_MS = 50;

/** How a request, or work by a handle, opens the session. */
export type ValueSource = { readonly access: ClientAccess } | { readonly named: NamedByHandle };

/** How a value is made. */
export interface ValueMaker {
  readonly name: string;
  readonly create: (options: { readonly signal: AbortSignal }) => unknown;

  /** When the value is not valid any more, in ms since 1970. */
  expiresAt(value: unknown): number;
}

/** A value that was made. */
export interface MadeValue {
  /** The bean with this value alone. */
  readonly alone: string;

  /** The bean as it is stored. */
  readonly stored: string | undefined;
}

/** A call of this server, which those join who ask for the same value meanwhile. */
interface ValueCall {
  made: Promise<MadeValue>;

  /** Until then it waits for other servers, by `performance.now()`. */
  waitsUntil: number;
}

/**
 * Has values of sessions made once, however many requests of however many servers ask at the same time.
 *
 * Who wants to make a value first stores an entry that says so, which only one can: a save is accepted only for the
 * state that it was made from. Then it stores an entry with the outcome, value or failure, which all take that have
 * waited. While it is at it, the entry's `beats` grow; a server that sees no beat for the length of a lease takes over,
 * by its own clock, so servers need no common one. Each of these commits changes nothing but the entry.
 *
 * A call goes by the id of the request that began it. When the session gets another id meanwhile, the outcome of such a
 * call is not stored, like everything else that began under a former id. A call of work by handle goes on.
 */
export class ValueCalls {
  private readonly calls = new Map<string, ValueCall>();

  /** @param bean refuses a commit that meets another change of the same entry */
  constructor(
    private readonly liveSessions: LiveSessions,
    private readonly bean: SessionBean,
    private readonly clock: Clock,
  ) {}

  /**
   * @param waitMs how long to wait for others who make the value
   * @throws what the one who made it has thrown; SessionBusyError; SessionEndedError; SessionStoreError
   */
  ask(source: ValueSource, maker: ValueMaker, waitMs: number): Promise<MadeValue> {
    const whose = 'access' in source ? Object.values(source.access) : Object.values(source.named);
    const name = JSON.stringify([...whose, maker.name]);
    const waitsUntil = performance.now() + waitMs;
    const joined = this.calls.get(name);
    if (joined) {
      joined.waitsUntil = Math.max(joined.waitsUntil, waitsUntil);
      return within(joined.made, waitMs, maker.name);
    }
    const call: ValueCall = { waitsUntil, made: NOT_MADE };
    this.calls.set(name, call);
    call.made = this.make(source, maker, call).finally(() => this.calls.delete(name));
    return call.made;
  }

  private async make(source: ValueSource, maker: ValueMaker, call: ValueCall): Promise<MadeValue> {
    const session = await SessionOfCall.open(this.liveSessions, source, this.bean);
    try {
      const made = await this.madeByOthers(session, maker, call);
      return typeof made === 'string' ? await this.makeHere(session, maker, made) : made;
    } finally {
      session.close();
    }
  }

  /** @returns what another one has made; or the name of the attempt which has the turn now: that of the caller */
  private async madeByOthers(
    session: SessionOfCall,
    { name }: ValueMaker,
    call: ValueCall,
  ): Promise<MadeValue | string> {
    let hasWaited = false;
    let seen = { by: '', beats: 0, since: 0 };
    for (;;) {
      const entry = await session.entry(name);
      if (entry?.state === 'kept' && (hasWaited || entry.expiresAt > this.clock.now()))
        return session.made(name, entry);
      if (entry?.state === 'failed' && hasWaited) throw errorOf(entry.failure);
      const now = performance.now();
      if (entry?.state === 'asked' && (entry.by !== seen.by || entry.beats !== seen.beats)) {
        seen = { by: entry.by, beats: entry.beats, since: now };
      }
      if (entry?.state !== 'asked' || now - seen.since > LEASE_MS) {
        const by = randomBytes(9).toString('base64url');
        if (await session.write(name, { state: 'asked', by, beats: 0 })) return by;
      } else if (now > call.waitsUntil) {
        throw busy(name);
      } else {
        await pause();
      }
      hasWaited = true;
      await session.bringUp();
    }
  }

  private async makeHere(session: SessionOfCall, maker: ValueMaker, by: string): Promise<MadeValue> {
    const { name } = maker;
    const beat = new Beat(session, name, by);
    try {
      const value = await maker.create({ signal: beat.signal });
      const entry: KeptEntry = { state: 'kept', by, value, expiresAt: maker.expiresAt(value) };
      const made = session.made(name, entry);
      await beat.stop();
      if (await session.replace(name, by, entry)) return session.made(name, entry);
      // Others took this server for dead, or have thrown the value away.
      const theirs = await session.entry(name);
      return theirs?.state === 'kept' ? session.made(name, theirs) : made;
    } catch (error) {
      await beat.stop();
      // Where that fails, the others wait until the lease is over.
      const failure = recordFailure(error);
      await session.replace(name, by, { state: 'failed', by, failure }).catch(() => false);
      throw error;
    }
  }
}

/** Says again and again that this server is still at it. */
class Beat {
  private readonly abort = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private beats = 0;
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly session: SessionOfCall,
    private readonly name: string,
    private readonly by: string,
  ) {
    const beat = (): void => {
      this.last = this.last.then(() => this.beat());
    };
    this.timer = setInterval(beat, LEASE_MS / 3).unref();
  }

  /** Aborted when the value will not be kept: the session has ended, or others have taken over. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Resolves when no beat is under way any more. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.last;
  }

  private async beat(): Promise<void> {
    const { session, name, by } = this;
    try {
      if (!(await session.replace(name, by, { state: 'asked', by, beats: ++this.beats }))) this.abort.abort();
    } catch (error) {
      // A store that is down may be up again before the lease is over.
      if (error instanceof SessionEndedError) this.abort.abort(error);
    }
  }
}

/** The session of a call, under the id that it goes by. */
class SessionOfCall {
  private constructor(
    private readonly liveSessions: LiveSessions,
    private readonly source: ValueSource,
    private readonly bean: SessionBean,
    private live: LiveSession,
  ) {}

  /** @throws SessionEndedError, SessionStoreError */
  static async open(liveSessions: LiveSessions, source: ValueSource, bean: SessionBean): Promise<SessionOfCall> {
    return new SessionOfCall(liveSessions, source, bean, await acquire(liveSessions, source));
  }

  close(): void {
    this.liveSessions.release(this.live);
  }

  /** As it is stored, as far as this server knows. */
  async entry(name: string): Promise<KeptEntry | undefined> {
    const unsaved = this.unsaved;
    for (const commit of unsaved) await commit.done.catch(() => undefined);
    if (unsaved.length > 0) return this.entry(name);
    return this.restored(this.live.stored.payloads.get(this.bean.name)).entries.get(name)?.[0];
  }

  made(name: string, entry: KeptEntry): MadeValue {
    const alone = this.bean.create() as KeptValuesBean;
    alone.entries.set(name, [entry]);
    return { alone: this.bean.state.encode(alone), stored: this.live.stored.payloads.get(this.bean.name) };
  }

  /** Asks the store what there is now. @throws SessionEndedError, SessionStoreError */
  async bringUp(): Promise<void> {
    const isClient = 'access' in this.source;
    if (await this.live.revalidate(undefined, isClient)) return;
    await this.follow();
  }

  /** @returns false when somebody else has changed the entry meanwhile, or the session has got another id */
  async write(name: string, entry: KeptEntry): Promise<boolean> {
    const { bean, live } = this;
    const base = live.snapshot().payloads.get(bean.name) ?? null;
    const reference = base ?? bean.state.encode(bean.create());
    const kept = this.restored(base ?? undefined);
    kept.entries.set(name, [entry]);
    const mine = bean.state.encode(kept);
    const commit = new PendingCommit([{ bean, base, reference, mine }], this.unsaved);
    commit.bindsReaders = entry.state === 'kept';
    try {
      await live.commit(commit);
      return true;
    } catch (error) {
      if (live.isRenewed) await this.follow();
      else if (!(error instanceof SessionConflictError)) throw error;
      return false;
    }
  }

  /** @returns false when the entry is not that of the attempt any more */
  async replace(name: string, by: string, entry: KeptEntry): Promise<boolean> {
    for (;;) {
      if ((await this.entry(name))?.by !== by) return false;
      if (await this.write(name, entry)) return true;
      await this.bringUp();
    }
  }

  /** @throws SessionEndedError where the session was opened by an id that is a former one now */
  private async follow(): Promise<void> {
    const followed = await acquire(this.liveSessions, this.source);
    this.liveSessions.release(this.live);
    this.live = followed;
  }

  private get unsaved(): readonly PendingCommit[] {
    return this.live.snapshot().unsaved.filter((commit) => commit.changes(this.bean.name));
  }

  /** Values can be made again: none is there where they are damaged. @throws SessionStateError of a newer release */
  private restored(payload: string | undefined): KeptValuesBean {
    const { bean } = this;
    const kept = bean.create() as KeptValuesBean;
    try {
      if (payload !== undefined) bean.state.restore(kept, payload);
      if (kept.entries instanceof Map) return kept;
    } catch (error) {
      if (!(error instanceof SessionStateError && error.reason === 'undecodable')) throw error;
    }
    return bean.create() as KeptValuesBean;
  }
}

async function acquire(liveSessions: LiveSessions, source: ValueSource): Promise<LiveSession> {
  const found =
    'access' in source ? await liveSessions.acquire(source.access) : await liveSessions.acquireNamed(source.named);
  if (isLive(found)) return found;
  throw new SessionEndedError();
}

/** @throws SessionBusyError when `made` takes longer */
async function within(made: Promise<MadeValue>, waitMs: number, name: string): Promise<MadeValue> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(busy(name)), waitMs);
  });
  try {
    return await Promise.race([made, late]);
  } finally {
    clearTimeout(timer);
  }
}

function busy(name: string): SessionBusyError {
  return new SessionBusyError(`others take longer than waitMs to make '${name}' in HttpSession.getOrCreate()`);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, (1 + Math.random()) * (LONGEST_PAUSE_MS / 2)));
}

const NOT_MADE = new Promise<never>(() => undefined);
