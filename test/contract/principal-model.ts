import fc from 'fast-check';
import { isDeepStrictEqual, inspect } from 'node:util';
import { type ClientAccess, accessOf } from 'nestjs-session-beans/store-kit';
import { generateSessionId, renewedSessionId } from '../../libs/session/src/store/session-id.js';
import { sessionExpiry, type SessionLifetime } from '../../libs/session/src/store/session-record.js';
import type { SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import type { ListedSession } from '../../libs/session/src/store/store-principals.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';

/** [Q6] For so long a place may be taken for nothing. */
const TAKEN_MS = 60_000;

/** [Q2] Logins of the same second may have any order. */
const SECOND = 1_000;

const SESSIONS = 3;

/** One call about the sessions of users, or time that passes. `session` is the number of a session. */
export type PrincipalCommand =
  | { do: 'login'; session: number; user: string; most?: number }
  | { do: 'start'; session: number }
  | { do: 'renew'; session: number }
  | { do: 'prolong'; session: number }
  | { do: 'use'; session: number }
  | { do: 'end'; session: number }
  | { do: 'die'; user: string }
  | { do: 'epoch' }
  | { do: 'pass'; ms: number }
  | { do: 'list'; user: string; limit: number };

const anySession = fc.nat(SESSIONS - 1);
const anyUser = fc.constantFrom('ann', 'bob');

/** Sequences in which most calls have an effect. */
export const principalCommands: fc.Arbitrary<PrincipalCommand[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record(
        { do: fc.constant('login'), session: anySession, user: anyUser, most: fc.integer({ min: 1, max: 3 }) },
        { requiredKeys: ['do', 'session', 'user'] },
      ),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('start'), session: anySession }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('renew', 'prolong', 'use'), session: anySession }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('end'), session: anySession }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('die'), user: anyUser }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('epoch') }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(1, 700, 20_000, 70_000, 250_000) }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('list'), user: anyUser, limit: fc.constantFrom(1, 1, 2, 4) }) },
  ),
  { minLength: 5, maxLength: 30 },
);

const SHORT: SessionLifetime = { idleTimeoutMs: 90_000, absoluteTimeoutMs: 150_000, unjoinedTimeoutMs: 90_000 };
const LONG: SessionLifetime = { idleTimeoutMs: 900_000, absoluteTimeoutMs: 900_000, unjoinedTimeoutMs: 900_000 };

/** A session as it should be. */
interface ModelSession {
  access: ClientAccess;
  user: string | undefined;
  logins: number;
  createdAt: number;
  authenticatedAt: number | undefined;
  lastAccessedAt: number;
  lifetime: SessionLifetime;
}

/** What a server does that dies between the note of a login and its save, as far as the store has such a note. */
export type Die = (user: string) => Promise<void>;

/** Makes the calls, and looks after each list whether it has what it should have. @returns the first difference */
export async function principalDifference(
  create: (clock: ManualClock) => { readonly store: SessionStore; readonly die?: Die },
  commands: readonly PrincipalCommand[],
): Promise<string | undefined> {
  const run = new PrincipalRun(create);
  for (const [i, command] of commands.entries()) {
    const difference = await run.difference(command);
    if (difference !== undefined) return `${i}: ${inspect(command)}: ${difference}`;
  }
  for (const name of ['ann', 'bob']) {
    const difference = await run.difference({ do: 'list', user: name, limit: 3 });
    if (difference !== undefined) return `at the end: ${name}: ${difference}`;
  }
  return undefined;
}

class PrincipalRun {
  private readonly clock = new ManualClock();
  private readonly store: SessionStore;
  private readonly die: Die;
  private readonly sessions: (ModelSession | undefined)[] = [];
  private epoch = -Infinity;
  private writes = 0;

  /** Users whose places may be taken for nothing, and until when. */
  private readonly taken: { readonly user: string; readonly until: number }[] = [];

  constructor(create: (clock: ManualClock) => { readonly store: SessionStore; readonly die?: Die }) {
    const { store, die = () => Promise.resolve() } = create(this.clock);
    this.store = store;
    this.die = die;
  }

  async difference(command: PrincipalCommand): Promise<string | undefined> {
    switch (command.do) {
      case 'pass':
        return this.pass(command.ms);
      case 'epoch':
        this.epoch = (await this.store.epoch?.begin()) ?? 0;
        // Later sessions are later.
        return this.pass(1);
      case 'die':
        this.mayBeTaken(command.user);
        await this.die(command.user);
        return undefined;
      case 'login':
        return this.login(command.session, command.user, command.most);
      case 'list':
        return this.list(command.user, command.limit);
      default:
        return this.change(command);
    }
  }

  private async change({ do: what, session: number }: { do: string; session: number }): Promise<string | undefined> {
    const known = this.live(number);
    if (what === 'start') return known ? undefined : this.created(number, undefined, undefined);
    if (!known) return undefined;
    const { access } = known;
    if (what === 'end') {
      this.sessions[number] = undefined;
      const { outcome } = await this.store.destroy({ key: access.key, logins: known.logins });
      return outcome === 'ended' ? undefined : `it was ${outcome}`;
    }
    known.lastAccessedAt = this.clock.now();
    if (what === 'use') return void (await this.store.touch(access));
    const lifetime = what === 'prolong' ? LONG : undefined;
    const renewed = accessOf(renewedSessionId(access.key));
    const renewal = what === 'renew' ? { proof: renewed.proof } : undefined;
    known.lifetime = lifetime ?? known.lifetime;
    if (renewal) known.access = renewed;
    const result = await this.save({ mode: 'update', access, lifetime, renewal, parts: new Map() });
    return result.outcome === 'saved' ? undefined : `it was ${result.outcome}`;
  }

  private async login(number: number, user: string, most: number | undefined): Promise<string | undefined> {
    const known = this.live(number);
    const isTheirs = known?.user === user;
    const others = this.of(user);
    const mustBeRefused = most !== undefined && !isTheirs && others.length >= most;
    const taken = this.taken.filter((each) => each.user === user && each.until > this.clock.now());
    const mayBeRefused = most !== undefined && !isTheirs && others.length + taken.length >= most;
    const outcome = known ? await this.loggedIn(known, user, most) : await this.created(number, user, most);
    if (outcome === undefined) return mustBeRefused ? 'it was saved beyond the limit' : undefined;
    return outcome === 'limit' && mayBeRefused ? undefined : `it was ${outcome}`;
  }

  private async loggedIn(known: ModelSession, user: string, most: number | undefined): Promise<string | undefined> {
    const { access } = known;
    const renewed = accessOf(renewedSessionId(access.key));
    const renewal = { proof: renewed.proof, principal: user, mostSessions: most };
    const result = await this.save({ mode: 'update', access, renewal, parts: new Map() });
    if (result.outcome !== 'saved') return result.outcome;
    const now = this.clock.now();
    if (known.user !== user) {
      known.logins++;
      if (known.user !== undefined) {
        known.createdAt = now;
        this.mayBeTaken(known.user);
      }
    }
    Object.assign(known, { access: renewed, user, authenticatedAt: now, lastAccessedAt: now });
    return undefined;
  }

  private async created(
    number: number,
    user: string | undefined,
    most: number | undefined,
  ): Promise<string | undefined> {
    const access = accessOf(generateSessionId());
    const creation = { mode: 'create', ...access, principal: user, mostSessions: most } as const;
    const { outcome } = await this.save({ ...creation, lifetime: SHORT, parts: new Map() });
    if (outcome !== 'saved') return outcome;
    const now = this.clock.now();
    const times = { createdAt: now, authenticatedAt: user === undefined ? undefined : now, lastAccessedAt: now };
    this.sessions[number] = { access, user, logins: user === undefined ? 0 : 1, lifetime: SHORT, ...times };
    return undefined;
  }

  private async list(user: string, limit: number): Promise<string | undefined> {
    const { principals } = this.store;
    if (!principals) return 'it has no lists';
    const listed: ListedSession[] = [];
    let after: string | undefined;
    for (let pages = 0; pages < 50; pages++) {
      const page = await principals.list(user, { limit, after, parts: [] });
      if (page.sessions.length > limit) return `a page has ${page.sessions.length} sessions`;
      listed.push(...page.sessions);
      after = page.next;
      if (after === undefined) break;
    }
    if (after !== undefined) return 'the pages do not end';
    const found = listed.map(({ key, record: { logins, principal, authenticatedAt, createdAt } }) => ({
      key,
      logins,
      user: principal,
      authenticatedAt,
      createdAt,
    }));
    const expected = this.of(user).map(({ access: { key }, logins, authenticatedAt, createdAt }) => ({
      key,
      logins,
      user,
      authenticatedAt,
      createdAt,
    }));
    if (!isDeepStrictEqual(found.toSorted(byKey), expected.toSorted(byKey)))
      return `it has ${inspect(found)}, and should have ${inspect(expected)}`;
    const isWrong = found.some(({ authenticatedAt = 0 }, i) => {
      const before = found[i - 1]?.authenticatedAt ?? Infinity;
      return authenticatedAt - before >= SECOND;
    });
    return isWrong ? `it is not sorted: ${inspect(found)}` : undefined;
  }

  private pass(ms: number): undefined {
    const before = this.sessions.map((_, i) => this.live(i));
    this.clock.advance(ms);
    // Of a session that has expired, the place may be taken for a while.
    for (const [i, known] of before.entries()) if (known?.user && !this.live(i)) this.mayBeTaken(known.user);
  }

  private mayBeTaken(name: string): void {
    this.taken.push({ user: name, until: this.clock.now() + TAKEN_MS });
  }

  /** The session of this number, if it lives. */
  private live(number: number): ModelSession | undefined {
    const known = this.sessions[number];
    if (!known || known.createdAt <= this.epoch) return undefined;
    return sessionExpiry({ ...known, joined: false }, known.lifetime) > this.clock.now() ? known : undefined;
  }

  private of(name: string): ModelSession[] {
    const live = this.sessions.map((_, i) => this.live(i));
    return live.filter((known): known is ModelSession => known?.user === name);
  }

  private async save(change: object): Promise<SaveResult> {
    return this.store.save({ writeId: `w${this.writes++}`, ...change } as Parameters<SessionStore['save']>[0]);
  }
}

function byKey(one: { readonly key: string }, other: { readonly key: string }): number {
  return one.key < other.key ? -1 : 1;
}
