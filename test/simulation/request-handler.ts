import { SessionStoreError } from '../../libs/session/src/errors/session-store.error.js';
import type { PartChange, SessionChange, SessionRenewal } from '../../libs/session/src/store/session-change.js';
import type { SessionAccess } from '../../libs/session/src/store/session-id.js';
import type { SessionRecord } from '../../libs/session/src/store/session-record.js';
import type { SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import { ID_PART } from './id-ledger.js';
import { type MarkLists, contains, emptyLists, extend, listNames, listsOf, showLists } from './mark-lists.js';
import type { SeededRandom } from './seeded-random.js';
import type { LedgerView } from './session-ledger.js';
import type { Intrusion, SessionReply, SessionRequest } from './session-request.js';
import type { Violations } from './violations.js';

const LIFETIME = { idleTimeoutMs: 1_800_000, absoluteTimeoutMs: 43_200_000, unjoinedTimeoutMs: 600_000 } as const;
const ATTEMPTS = 6;
const LOCK_MS = 750;

/** A record of a session, with the locator that came with it. */
interface Located {
  readonly record: SessionRecord;
  readonly locator?: string | undefined;
}

/** A state that a request has read, and goes on from. */
interface Read extends Located {
  readonly lists: MarkLists;
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
      this.checkFailure(error, this.name(request));
      return { outcome: 'unavailable' };
    }
  }

  /** Nothing of this may succeed, unless the other half of a split network has replaced the id. */
  async refuse(intrusion: Intrusion, kind: string): Promise<void> {
    const { session, access, operation } = intrusion;
    const { former } = session.ids;
    const by = `a ${operation} of ${session.name} with a ${kind} at ${this.member}`;
    try {
      const outcome = await this.intrude(intrusion, kind === 'former');
      if (['none', 'gone', 'superseded'].includes(outcome)) return;
      if (outcome === 'ended') {
        session.endWasAsked = true;
        session.ended(true);
      }
      // A forged locator comes with the valid id, and asks for a state that nobody can have.
      if (kind === 'forge')
        this.world.violations.add({ invariant: 'witness', message: `${by} is answered ${outcome}` });
      else session.ids.opened(access.proof, former, by);
    } catch (error) {
      this.checkFailure(error, by);
    }
  }

  /** Begins a session that nobody comes back to, and that ends soon. */
  async fill(isUser: boolean): Promise<void> {
    const writeId = this.writeId();
    const key = `flood_${writeId}`.padEnd(22, '_');
    const lifetime = { idleTimeoutMs: 700, absoluteTimeoutMs: 700, unjoinedTimeoutMs: 700 };
    const principal = isUser ? { principal: 'user' } : {};
    const change = { key, proof: 'flood', writeId, mode: 'create', lifetime, parts: new Map(), ...principal } as const;
    try {
      await this.store.save(change);
    } catch (error) {
      this.checkFailure(error, 'a flood');
    }
  }

  private async intrude({ session, access, locator, operation, mark }: Intrusion, hadId: boolean): Promise<string> {
    const { store } = this;
    const located = locator === undefined ? {} : { locator };
    const update = { mode: 'update', access, writeId: this.writeId(), parts: new Map(), ...located } as const;
    switch (operation) {
      case 'read':
        return (await store.load(access, { touchAfterMs: 0, ...located })).outcome;
      case 'write':
        return (await store.save(update)).outcome;
      case 'renew': {
        const proof = `id of ${mark}`;
        if (hadId) session.ids.attempt(access.proof, proof, undefined);
        const parts = new Map([[ID_PART, { base: null, payload: proof }]]);
        return (await store.save({ ...update, parts, renewal: { proof, keep: listNames } })).outcome;
      }
      case 'touch':
        return (await store.touch(access)).outcome;
      case 'lock':
        return (await store.locks?.acquire(access, { token: mark, leaseMs: LOCK_MS }))?.outcome ?? 'none';
      case 'end':
        return (await store.destroy(access)).outcome;
    }
  }

  private async create(request: SessionRequest): Promise<SessionReply> {
    const { session, access, mark, lists } = request;
    session.open(mark, lists);
    session.ids.begin(access.proof);
    const { view } = session;
    const parts = new Map<string, PartChange>(lists.map((name) => [name, { base: null, payload: `${mark} ` }]));
    parts.set(ID_PART, { base: null, payload: access.proof });
    const change = { ...access, writeId: this.writeId(), mode: 'create', lifetime: LIFETIME, parts } as const;
    const result = await this.save(request, change);
    // It had to make room before the save was sent again.
    if (result.outcome === 'gone' && session.mayBeGone) return this.none(request, false);
    if (result.outcome !== 'saved') {
      this.world.violations.add({ invariant: 'wholeWrites', message: `${this.name(request)}: ${result.outcome}` });
      return { outcome: 'unavailable' };
    }
    const state = extend(emptyLists, mark, lists);
    session.ids.acknowledge(access.proof);
    session.saved(view, state, mark, this.name(request));
    session.located(result.locator, this.member, this.name(request));
    return { outcome: 'ok', access, lists: state, locator: result.locator };
  }

  private async use(request: SessionRequest): Promise<SessionReply> {
    const { session, operation, locator, access } = request;
    if (operation === 'job') return this.runJob(request);
    const { view } = session;
    const known = this.world.random.chance(0.3) ? this.known.get(access.key) : undefined;
    const touchAfterMs = this.world.random.chance(0.1) ? 0 : 60_000;
    const result = await this.store.load(access, {
      touchAfterMs,
      ...(locator !== undefined && { locator }),
      ...(known && { known: known.stamp }),
    });
    if (result.outcome === 'superseded') return this.superseded(request);
    if (result.outcome === 'none') return this.none(request, result.lost === true);
    const record = result.outcome === 'found' ? result.record : known;
    if (!record) throw new Error('unchanged, without a copy');
    const read = { record, locator: result.locator, lists: this.found(request, view, access, { ...result, record }) };
    if (request.thinkMs > 0) await this.world.wait(request.thinkMs);
    switch (operation) {
      case 'writeAlone':
        return this.writeAlone(request);
      case 'write':
        return this.write(request, access, read);
      case 'renew':
      case 'login':
        return this.renew(request, read);
      case 'end':
        return this.end(request);
      case 'touch': {
        const { outcome } = await this.store.touch(access);
        if (outcome === 'superseded') return this.superseded(request);
        if (outcome === 'none') return this.none(request, false);
        break;
      }
      default:
    }
    return { outcome: 'ok', access, lists: read.lists, locator: read.locator };
  }

  /** A write of the application itself, which knows for whom it began the job. */
  private async runJob(request: SessionRequest): Promise<SessionReply> {
    const { session, access } = request;
    const { view } = session;
    const handle = { key: access.key, logins: session.ids.loginsOf(access.proof) };
    const result = await this.store.load(handle);
    if (result.outcome !== 'found') return this.noJob(request);
    const lists = this.found(request, view, handle, result);
    if (request.thinkMs > 0) await this.world.wait(request.thinkMs);
    const reply = await this.write(request, handle, { ...result, lists });
    // The client itself has seen nothing of this.
    return reply.outcome === 'ok' ? this.use({ ...request, operation: 'read' }) : reply;
  }

  /** The session is over, or another principal has logged in: a request of the client shows which. */
  private noJob(request: SessionRequest): Promise<SessionReply> {
    return this.use({ ...request, operation: 'read' });
  }

  private async writeAlone(request: SessionRequest): Promise<SessionReply> {
    const { session, access } = request;
    const token = request.mark.replace(':', '_');
    const until = this.world.now() + LOCK_MS;
    const lock = await this.store.locks?.acquire(access, { token, leaseMs: LOCK_MS });
    if (lock?.outcome !== 'locked') return this.use({ ...request, operation: 'read' });
    session.locked(token, this.world.now(), until, this.name(request));
    const { view } = session;
    const result = await this.store.load(access, {
      ...(request.locator !== undefined && { locator: request.locator }),
    });
    if (result.outcome === 'superseded') return this.superseded(request);
    if (result.outcome !== 'found') return this.none(request, false);
    const lists = this.found(request, view, access, result);
    if (request.thinkMs > 0) await this.world.wait(request.thinkMs);
    const reply = await this.write(request, access, { ...result, lists }, { lock: token });
    session.unlocking(token);
    await this.store.locks?.release(access.key, { token });
    return reply;
  }

  /** A renewal writes its mark, too, and the part that belongs to the new id. All other parts are dropped. */
  private async renew(request: SessionRequest, read: Read): Promise<SessionReply> {
    const { session, access, mark, operation } = request;
    const proof = `id of ${mark}`;
    const principal = operation === 'login' ? `user of ${mark}` : undefined;
    session.ids.attempt(access.proof, proof, principal);
    const renewal = { proof, principal, keep: listNames };
    const reply = await this.write(request, access, read, { renewal });
    if (reply.outcome !== 'ok') return reply;
    return { ...reply, access: { key: access.key, proof } };
  }

  private async write(
    request: SessionRequest,
    access: SessionAccess,
    read: Read,
    { lock, renewal }: { readonly lock?: string; readonly renewal?: SessionRenewal } = {},
  ): Promise<SessionReply> {
    const { session, mark } = request;
    session.open(mark, request.lists);
    let { record, locator, lists } = read;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { view } = session;
      const next = extend(lists, mark, request.lists);
      const parts = new Map<string, PartChange>(
        request.lists.map((name) => [name, { base: record.parts.get(name)?.version ?? null, payload: next[name] }]),
      );
      if (renewal) parts.set(ID_PART, { base: null, payload: renewal.proof });
      const result = await this.save(request, {
        access,
        writeId: this.writeId(),
        mode: 'update',
        parts,
        renewal,
        ...(locator !== undefined && { locator }),
        ...(lock !== undefined && { lock }),
      });
      if (result.outcome === 'saved') {
        session.ids.opened(access.proof ?? record.proof, access.proof ? view.former : [], this.name(request));
        if (renewal) session.ids.acknowledge(renewal.proof);
        session.saved(view, next, mark, this.name(request));
        session.located(result.locator, this.member, this.name(request));
        return { outcome: 'ok', access: request.access, lists: next, locator: result.locator };
      }
      if (result.outcome !== 'conflict') session.refused(mark);
      if (result.outcome === 'unlocked' || result.outcome === 'limit') return { outcome: 'unavailable' };
      if (result.outcome === 'superseded') return this.superseded(request);
      if (result.outcome === 'gone') {
        if (access.proof === undefined) return this.noJob(request);
        return this.none(request, result.lost === true);
      }
      ({ record, locator } = result);
      lists = this.found(request, view, access, result);
    }
    session.refused(mark);
    return { outcome: 'unavailable' };
  }

  private async end(request: SessionRequest): Promise<SessionReply> {
    const { session, access } = request;
    session.endWasAsked = true;
    const { view } = session;
    const { outcome } = await this.store.destroy(access);
    if (outcome === 'superseded') return this.superseded(request);
    if (outcome === 'ended') session.ids.opened(access.proof, view.former, this.name(request));
    session.ended(outcome === 'ended');
    return { outcome: 'none', isLost: false };
  }

  /**
   * When the answer to a save is lost, half of the clients repeat the same save. A save that failed with `applied:
   * false` was refused.
   */
  private async save({ session, mark }: SessionRequest, change: SessionChange): Promise<SaveResult> {
    try {
      return await this.store.save(change);
    } catch (error) {
      if (!(error instanceof SessionStoreError)) throw error;
      if (this.world.random.chance(0.5)) {
        if (error.applied === false) session.refused(mark);
        throw error;
      }
      await this.world.wait(this.world.random.between(1, 300));
      return this.store.save(change);
    }
  }

  private found(
    request: SessionRequest,
    view: LedgerView,
    asked: SessionAccess,
    { record, locator }: Located,
  ): MarkLists {
    const { session, shown } = request;
    const lists = listsOf(record);
    this.known.set(asked.key, record);
    // The application may ask for a session whatever its id is by now.
    session.ids.found(asked, record, asked.proof === undefined ? [] : view.former, this.name(request));
    session.found(view, lists, this.name(request));
    session.located(locator, this.member, this.name(request));
    // A job has no locator of the client.
    if (asked.proof !== undefined && !contains(lists, shown)) {
      const message = `${this.name(request)} shows ${showLists(lists)} to a client that was shown ${showLists(shown)}`;
      session.violateWitness(message, { had: request.locator, gets: locator });
    }
    return lists;
  }

  private superseded(request: SessionRequest): SessionReply {
    request.session.ids.superseded(request.access.proof, this.name(request));
    return { outcome: 'superseded' };
  }

  private none(request: SessionRequest, isLost: boolean): SessionReply {
    const { session, access } = request;
    // A former id may be forgotten. To its client that is the same.
    if (session.ids.mayBeForgotten(access.proof)) return { outcome: 'superseded' };
    session.none(this.name(request), isLost);
    return { outcome: 'none', isLost };
  }

  private checkFailure(error: unknown, by: string): void {
    if (error instanceof SessionStoreError) return;
    const message = `${by} got ${error instanceof Error ? error.stack : String(error)}`;
    this.world.violations.add({ invariant: 'failures', message });
  }

  private name({ client, operation, session }: SessionRequest): string {
    return `${operation} of ${session.name} by ${client} at ${this.member}`;
  }

  private writeId(): string {
    return `${this.member}_${this.generation}_${this.writes++}`;
  }
}
