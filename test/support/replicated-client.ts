import type {
  ClientAccess,
  LoadResult,
  SaveResult,
  SessionCreation,
  SessionRenewal,
  SessionStore,
  SessionUpdate,
} from 'nestjs-session-beans/store-kit';
import { accessOf, generateSessionId, renewedSessionId } from '../../libs/session/src/store/session-id.js';

const LIFETIME = { idleTimeoutMs: 1_800_000, absoluteTimeoutMs: 43_200_000, unjoinedTimeoutMs: 300_000 };

/** A client of a group, with its cookie: it adds words to a list in its session, by compare-and-set, and reads them. */
export class ReplicatedClient {
  /** Its id, as a store knows it. */
  access: ClientAccess = accessOf(generateSessionId());

  /** The last one that it was given. */
  locator: string | undefined = undefined;

  private static writes = 0;

  get key(): string {
    return this.access.key;
  }

  async create(store: SessionStore, word = 'first'): Promise<SaveResult> {
    return this.keep(await store.save(this.creation(word)));
  }

  creation(word = 'first'): SessionCreation {
    return { mode: 'create', ...this.access, ...this.newContent(null, word), lifetime: LIFETIME };
  }

  /** Until it is saved, as the library does after a conflict. @returns the outcome that is not a conflict */
  async add(store: SessionStore, word: string): Promise<SaveResult> {
    const loaded = this.keep(await store.load(this.access, this.options));
    if (loaded.outcome !== 'found') throw new Error(`no session to add to: ${JSON.stringify(loaded)}`);
    for (let { record } = loaded; ;) {
      const words = record.parts.get('words');
      const result = this.keep(
        await store.save(this.change(words?.version ?? null, `${words?.payload ?? ''} ${word}`)),
      );
      if (result.outcome !== 'conflict') return result;
      ({ record } = result);
    }
  }

  /** Gets a new id, if the renewal is saved. */
  async renew(store: SessionStore, login: Omit<SessionRenewal, 'proof'> = {}): Promise<SaveResult> {
    const renewed = accessOf(renewedSessionId(this.key));
    const change = { ...this.change(null, ''), parts: new Map(), renewal: { ...login, proof: renewed.proof } };
    const result = this.keep(await store.save(change));
    if (result.outcome === 'saved') this.access = renewed;
    return result;
  }

  async read(store: SessionStore): Promise<string[] | LoadResult> {
    const result = this.keep(await store.load(this.access, this.options));
    return result.outcome === 'found' ? (result.record.parts.get('words')?.payload.split(' ') ?? []) : result;
  }

  /** Another client with the same session and what this one has now. */
  fork(): ReplicatedClient {
    const fork = Object.create(ReplicatedClient.prototype) as ReplicatedClient;
    return Object.assign(fork, this);
  }

  /** Another client with the same id, which was never told where the session is. */
  withoutLocator(): ReplicatedClient {
    return Object.assign(this.fork(), { locator: undefined });
  }

  /** Somebody who knows the name of the session and no id of it. */
  guesser(): ReplicatedClient {
    return Object.assign(new ReplicatedClient(), { access: accessOf(renewedSessionId(this.key)) });
  }

  change(base: string | null, payload: string): SessionUpdate {
    return { mode: 'update', access: this.access, ...this.newContent(base, payload), locator: this.locator };
  }

  private newContent(base: string | null, payload: string): Pick<SessionUpdate, 'writeId' | 'parts'> {
    return { writeId: `w${ReplicatedClient.writes++}`, parts: new Map([['words', { base, payload }]]) };
  }

  private get options(): { locator?: string } {
    return this.locator === undefined ? {} : { locator: this.locator };
  }

  private keep<T extends LoadResult | SaveResult>(result: T): T {
    if ('locator' in result && result.locator !== undefined) this.locator = result.locator;
    return result;
  }
}
