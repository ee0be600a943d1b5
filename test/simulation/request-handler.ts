import { SessionStoreError } from '../../libs/session/src/errors/session-store.error.js';
import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SessionRecord } from '../../libs/session/src/store/session-record.js';
import type { SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import { type MarkLists, contains, emptyLists, extend, listsOf, showLists } from './mark-lists.js';
import type { SeededRandom } from './seeded-random.js';
import type { LedgerView } from './session-ledger.js';
import type { SessionReply, SessionRequest } from './session-request.js';
import type { Violations } from './violations.js';

const LIFETIME = { idleTimeoutMs: 1_800_000, absoluteTimeoutMs: 43_200_000, unjoinedTimeoutMs: 600_000 } as const;
const ATTEMPTS = 6;
const LOCK_MS = 750;

/** A record of a session, with the locator that came with it. */
interface Located {
  readonly record: SessionRecord;
  readonly locator?: string | undefined;
}

/**
 * The application in one process of a member. It loads a session, does the operation of the client, and reports every
 * answer of the store to the ledger.
 */
export class RequestHandler {
  /** The last record of each session that this process read. Some loads pass its stamp, as the near cache does. */
  private readonly known = new Map<string, SessionRecord>();
  private writes = 0;

  constructor(
    private readonly member: string,
    private readonly generation: number,
    private readonly store: SessionStore,
    private readonly world: {
      readonly random: SeededRandom;
      readonly violations: Violations;
      readonly wait: (ms: number) => Promise<void>;
      readonly now: () => number;
    },
  ) {}

  async handle(request: SessionRequest): Promise<SessionReply> {
    try {
      return request.operation === 'create' ? await this.create(request) : await this.use(request);
    } catch (error) {
      if (!(error instanceof SessionStoreError)) {
        const message = `${this.name(request)} got ${error instanceof Error ? error.stack : String(error)}`;
        this.world.violations.add({ invariant: 'failures', message });
      }
      return { outcome: 'unavailable' };
    }
  }

  private async create(request: SessionRequest): Promise<SessionReply> {
    const { session, key, mark, lists } = request;
    session.open(mark, lists);
    const { view } = session;
    const parts = new Map(lists.map((name) => [name, { base: null, payload: `${mark} ` }]));
    const change = { key, writeId: this.writeId(), mode: 'create', lifetime: LIFETIME, parts } as const;
    const result = await this.save(change);
    if (result.outcome !== 'saved') {
      this.world.violations.add({ invariant: 'wholeWrites', message: `${this.name(request)}: ${result.outcome}` });
      return { outcome: 'unavailable' };
    }
    const state = extend(emptyLists, mark, lists);
    session.saved(view, state, mark, this.name(request));
    session.located(result.locator, this.member, this.name(request));
    return { outcome: 'ok', lists: state, locator: result.locator };
  }

  private async use(request: SessionRequest): Promise<SessionReply> {
    const { session, key, operation, locator } = request;
    const { view } = session;
    const known = this.world.random.chance(0.3) ? this.known.get(key) : undefined;
    const touchAfterMs = this.world.random.chance(0.1) ? 0 : 60_000;
    const result = await this.store.load(key, {
      touchAfterMs,
      ...(locator !== undefined && { locator }),
      ...(known && { known: known.stamp }),
    });
    if (result.outcome === 'none') return this.none(request, result.lost === true);
    const record = result.outcome === 'found' ? result.record : known;
    if (!record) throw new Error('unchanged, without a copy');
    const lists = this.found(request, view, { record, locator: result.locator });
    if (request.thinkMs > 0) await this.world.wait(request.thinkMs);
    if (operation === 'writeAlone') return this.writeAlone(request);
    if (operation === 'write') return this.write(request, { record, locator: result.locator }, lists);
    if (operation === 'end' || operation === 'endIfUnchanged')
      return this.end(request, record.stamp, lists, result.locator);
    if (operation === 'touch' && !(await this.store.touch(key))) return this.none(request, false);
    return { outcome: 'ok', lists, locator: result.locator };
  }

  private async writeAlone(request: SessionRequest): Promise<SessionReply> {
    const { session, key } = request;
    const token = request.mark.replace(':', '_');
    const until = this.world.now() + LOCK_MS;
    if (!(await this.store.lock?.(key, token, LOCK_MS))) return this.use({ ...request, operation: 'read' });
    session.locked(token, this.world.now(), until, this.name(request));
    const { view } = session;
    const result = await this.store.load(key, { ...(request.locator !== undefined && { locator: request.locator }) });
    if (result.outcome !== 'found') return this.none(request, false);
    const lists = this.found(request, view, result);
    if (request.thinkMs > 0) await this.world.wait(request.thinkMs);
    const reply = await this.write(request, result, lists, token);
    session.unlocking(token);
    await this.store.unlock?.(key, token);
    return reply;
  }

  private async write(
    request: SessionRequest,
    loaded: Located,
    loadedLists: MarkLists,
    lock?: string,
  ): Promise<SessionReply> {
    const { session, key, mark } = request;
    session.open(mark, request.lists);
    let [{ record, locator }, lists] = [loaded, loadedLists];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { view } = session;
      const next = extend(lists, mark, request.lists);
      const parts = new Map(
        request.lists.map((name) => [name, { base: record.parts.get(name)?.version ?? null, payload: next[name] }]),
      );
      const result = await this.save({
        key,
        writeId: this.writeId(),
        mode: 'update',
        parts,
        ...(locator !== undefined && { locator }),
        ...(lock !== undefined && { lock }),
      });
      if (result.outcome === 'saved') {
        session.saved(view, next, mark, this.name(request));
        session.located(result.locator, this.member, this.name(request));
        return { outcome: 'ok', lists: next, locator: result.locator };
      }
      if (result.outcome === 'unlocked') {
        session.refused(mark);
        return { outcome: 'unavailable' };
      }
      if (result.outcome !== 'conflict') {
        session.refused(mark);
        return this.none(request, result.lost === true);
      }
      ({ record, locator } = result);
      lists = this.found(request, view, result);
    }
    session.refused(mark);
    return { outcome: 'unavailable' };
  }

  private async end(
    request: SessionRequest,
    stamp: string,
    lists: MarkLists,
    locator: string | undefined,
  ): Promise<SessionReply> {
    const { session, key } = request;
    session.endWasAsked = true;
    const ifStamp = request.operation === 'endIfUnchanged' ? stamp : undefined;
    const hasEnded = await this.store.destroy(key, ifStamp);
    if (!hasEnded && ifStamp !== undefined) return { outcome: 'ok', lists, locator };
    session.ended();
    return { outcome: 'none', isLost: false };
  }

  /** When the answer to a save is lost, half of the clients repeat the same save. */
  private async save(change: SessionChange): Promise<SaveResult> {
    try {
      return await this.store.save(change);
    } catch (error) {
      if (!(error instanceof SessionStoreError) || this.world.random.chance(0.5)) throw error;
      await this.world.wait(this.world.random.between(1, 300));
      return this.store.save(change);
    }
  }

  private found(request: SessionRequest, view: LedgerView, { record, locator }: Located): MarkLists {
    const { session, shown } = request;
    const lists = listsOf(record);
    this.known.set(request.key, record);
    session.found(view, lists, this.name(request));
    session.located(locator, this.member, this.name(request));
    if (!contains(lists, shown)) {
      const message = `${this.name(request)} shows ${showLists(lists)} to a client that was shown ${showLists(shown)}`;
      session.violateWitness(message, { had: request.locator, gets: locator });
    }
    return lists;
  }

  private none(request: SessionRequest, isLost: boolean): SessionReply {
    request.session.none(this.name(request), isLost);
    return { outcome: 'none', isLost };
  }

  private name({ client, operation, session }: SessionRequest): string {
    return `${operation} of ${session.name} by ${client} at ${this.member}`;
  }

  private writeId(): string {
    return `${this.member}_${this.generation}_${this.writes++}`;
  }
}
