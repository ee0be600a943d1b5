import { newestLoginFirst, placeAfter, placeText } from '../principal-page.js';
import type { SessionKey } from '../session-id.js';
import type { SessionRecord } from '../session-record.js';
import type { ListedSession, PrincipalPage, PrincipalSessions } from '../store-principals.js';
import type { SessionChange } from '../session-change.js';
import type { RedisClientPort, RedisConnection, RedisPort } from './clients/redis-port.js';
import type { RecordEdit } from './record-edit.js';
import { escapeName, recordOf } from './record-lines.js';
import type { RedisKeyNames } from './redis-key-names.js';
import { parseRedisReply } from './redis-reply.js';
import { sendWithRetries } from './send-command.js';

/** After this long, a login that was noted and is not there will not be stored any more. */
const NOTED_MS = 60_000;

/** A refused login looks so often whether sessions of the index are over. */
const MOST_LOOKS = 3;

/** `look-1.lua` answers so for a session that has ended. */
const ENDED = '8';

/** A session that is about to get a principal, or to live longer with it. */
interface IndexedLogin {
  readonly key: SessionKey;
  readonly principal: string;

  /** Its latest end, from now. */
  readonly lifeMs: number;

  /** False: its principal is logged in already. */
  readonly isNew: boolean;

  readonly mostSessions: number | undefined;
}

/** A session of the index; the score is when it was noted. */
interface Entry {
  readonly key: SessionKey;
  readonly score: string;
}

/** What lies under the key of an entry. `unreadable`: a session that this release cannot read. */
type Look = SessionRecord | 'none' | 'ended' | 'unreadable';

/**
 * Which sessions a principal has, in two sorted sets beside the sessions. A login is noted there before it is saved, so
 * the index misses none at any moment, also after a crash. It may have sessions that are over: whoever reads it looks
 * at these sessions themselves, which alone are the truth, and removes what it finds over. So nothing needs to hear of
 * sessions that end, and no command looks through all keys.
 */
export class RedisPrincipalIndex {
  /** @param writer the connection for changes: an entry must be stored before its session, also on a replica */
  constructor(
    private readonly client: RedisClientPort,
    private readonly writer: RedisPort,
    private readonly names: RedisKeyNames,
  ) {}

  /**
   * Notes a login that is about to be saved.
   * @returns 'limit' where the principal has as many sessions as are allowed; else a function that takes it back
   */
  async note(login: IndexedLogin): Promise<'limit' | (() => Promise<void>)> {
    const { key, principal, lifeMs, isNew, mostSessions } = login;
    const names = this.names.principal(principal);
    const mode = isNew ? 'login' : 'keep';
    for (let look = 1; ; look++) {
      const answer = await this.send((writer) =>
        writer.runForText<[outcome: string, score: string, all: string[]]>('sessionBeansIndexAdd', [
          ...names,
          key,
          lifeMs,
          mode,
          mostSessions ?? '',
        ]),
      );
      const [outcome, score, all] = answer;
      if (outcome === 'known') return async () => undefined;
      if (outcome === 'new') return () => this.remove(principal, [{ key, score }]);
      // Sessions that have ended or expired take no place.
      const { dead } = await this.looksAt(principal, entriesOf(all), [], Number(score));
      if (dead.length === 0 || look === MOST_LOOKS) return 'limit';
      await this.remove(principal, dead);
    }
  }

  /**
   * Notes a session again that is in use. In a cluster the index lies on another server than the session, and that may
   * lose its last changes in a failover.
   */
  async keep(key: SessionKey, { principal, lifetime }: SessionRecord): Promise<void> {
    if (principal === undefined) return;
    const lifeMs = lifetime.absoluteTimeoutMs;
    await this.note({ key, principal, lifeMs, isNew: false, mostSessions: undefined });
  }

  /** Two round trips; one where there is nothing to look at. */
  async list(principal: string, page: PrincipalPage): Promise<PrincipalSessions> {
    const { limit, ifMoreThan, parts } = page;
    const { at = '' } = placeAfter(page) ?? {};
    const [logins] = this.names.principal(principal);
    const [now, found] = await sendWithRetries(this.client, () =>
      // One more shows whether there is another page.
      this.client.runForText<[now: string, entries: string[]]>('sessionBeansIndexPage', [
        logins,
        limit + 1,
        at,
        ifMoreThan ?? '',
      ]),
    );
    const entries = entriesOf(found);
    const taken = entries.slice(0, limit);
    const { sessions, dead } = await this.looksAt(principal, taken, parts, Number(now));
    // Nobody needs to wait for that, and the next list can do it.
    if (dead.length > 0) void this.remove(principal, dead).catch(() => undefined);
    const last = taken.at(-1);
    const next = entries.length > limit && last ? placeText({ at: Number(last.score), key: last.key }) : undefined;
    return next === undefined ? { sessions } : { sessions, next };
  }

  /** [E1] Sessions are created by the clocks of all servers of a cluster. */
  async beginEpoch(): Promise<number> {
    const { client } = this;
    const times = client.isCluster ? await Promise.all([...client.primaries().values()].map(timeOf)) : [];
    const args = [this.names.epoch, Math.max(0, ...times)];
    return Number(await this.send((writer) => writer.runForText('sessionBeansEpoch', args)));
  }

  async readEpoch(): Promise<number | undefined> {
    const at = await sendWithRetries(this.client, () => this.client.hget(this.names.epoch, 'at'));
    return at === null ? undefined : Number(at);
  }

  /** @param now of the server that has the index */
  private async looksAt(
    principal: string,
    entries: readonly Entry[],
    parts: readonly string[],
    now: number,
  ): Promise<{ readonly sessions: ListedSession[]; readonly dead: Entry[] }> {
    if (entries.length === 0) return { sessions: [], dead: [] };
    const fields = parts.map((name) => `:${escapeName(name)}`);
    const looking = entries.map(({ key }) => this.look(key, fields));
    const [looks, epoch = -Infinity] = await Promise.all([Promise.all(looking), this.readEpoch()]);
    const sessions: ListedSession[] = [];
    const dead: Entry[] = [];
    for (const [i, entry] of entries.entries()) {
      const look = looks[i] as Look;
      if (look === 'unreadable') continue;
      if (typeof look === 'object' && look.principal === principal) {
        if (look.createdAt > epoch) sessions.push({ key: entry.key, record: look });
        else dead.push(entry);
      } else if (look === 'ended' || now - Number(entry.score) >= NOTED_MS) dead.push(entry);
    }
    return { sessions: sessions.toSorted(newestLoginFirst), dead };
  }

  private async look(key: SessionKey, fields: readonly string[]): Promise<Look> {
    const { client, names } = this;
    const answer = await sendWithRetries(client, () => client.run('sessionBeansLook', [names.session(key), ...fields]));
    if (answer.toString('latin1') === ENDED) return 'ended';
    const reply = parseRedisReply(answer);
    if (reply.code === 'none') return 'none';
    return (reply.code === 'record' && recordOf(reply.copy.lines, reply.expiresAt)) || 'unreadable';
  }

  private async remove(principal: string, entries: readonly Entry[]): Promise<void> {
    const args = entries.flatMap(({ key, score }) => [key, score]);
    const names = this.names.principal(principal);
    await this.send((writer) => writer.runForText('sessionBeansIndexRemove', [...names, ...args]));
  }

  private send<T>(command: (writer: RedisPort) => Promise<T>): Promise<T> {
    return sendWithRetries(this.writer, () => command(this.writer));
  }
}

/** What one save does in the index. */
export class LoginNote {
  private noted: 'limit' | (() => Promise<void>) | undefined;

  private constructor(
    private readonly index: RedisPrincipalIndex,
    private readonly change: SessionChange,
  ) {}

  /** @returns undefined for nearly all saves: they leave principal and latest end as they are */
  static of(index: RedisPrincipalIndex, change: SessionChange): LoginNote | undefined {
    const isIndexed =
      change.mode === 'create'
        ? change.principal !== undefined
        : change.renewal?.principal !== undefined || change.lifetime !== undefined;
    return isIndexed ? new LoginNote(index, change) : undefined;
  }

  /** Call it before the save. @returns false where the limit of the principal's sessions refuses it */
  async mayBeSaved({ principal, absoluteMs: lifeMs, isOfAnother }: RecordEdit): Promise<boolean> {
    const { change, index } = this;
    if (principal === undefined) return true;
    const [key, login] = change.mode === 'create' ? [change.key, change] : [change.access.key, change.renewal];
    const isNew = login?.principal !== undefined;
    const mostSessions = isOfAnother ? login?.mostSessions : undefined;
    this.noted ??= await index.note({ key, principal, lifeMs, isNew, mostSessions });
    return this.noted !== 'limit';
  }

  /** The save was refused. */
  async takeBack(): Promise<void> {
    if (typeof this.noted === 'function') await this.noted();
  }
}

function entriesOf(answer: readonly string[]): Entry[] {
  const entries: Entry[] = [];
  for (let i = 0; i + 1 < answer.length; i += 2) {
    entries.push({ key: answer[i] as string, score: answer[i + 1] as string });
  }
  return entries;
}

async function timeOf(server: RedisConnection): Promise<number> {
  const [seconds, microseconds] = (await server.ask('TIME')) as [string, string];
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
