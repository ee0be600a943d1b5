import { randomBytes } from 'node:crypto';
import type { LoadResult, SaveResult, SessionChange, SessionStore } from 'nestjs-session-beans/store-kit';

const LIFETIME = { idleTimeoutMs: 1_800_000, absoluteTimeoutMs: 43_200_000, unjoinedTimeoutMs: 300_000 };

/** A client of a group, with its cookie: it adds words to a list in its session, by compare-and-set, and reads them. */
export class ReplicatedClient {
  readonly key = randomBytes(32).toString('base64url');

  /** The last one that it was given. */
  locator: string | undefined = undefined;

  private static writes = 0;

  async create(store: SessionStore, word = 'first'): Promise<SaveResult> {
    return this.keep(await store.save(this.creation(word)));
  }

  creation(word = 'first'): SessionChange {
    return { ...this.change('create', null, word), lifetime: LIFETIME };
  }

  /** Until it is saved, as the library does after a conflict. @returns the outcome that is not a conflict */
  async add(store: SessionStore, word: string): Promise<SaveResult> {
    const loaded = this.keep(await store.load(this.key, this.options));
    if (loaded.outcome !== 'found') throw new Error(`no session to add to: ${JSON.stringify(loaded)}`);
    for (let { record } = loaded; ;) {
      const words = record.parts.get('words');
      const result = this.keep(
        await store.save(this.change('update', words?.version ?? null, `${words?.payload ?? ''} ${word}`)),
      );
      if (result.outcome !== 'conflict') return result;
      ({ record } = result);
    }
  }

  async read(store: SessionStore): Promise<string[] | LoadResult> {
    const result = this.keep(await store.load(this.key, this.options));
    return result.outcome === 'found' ? (result.record.parts.get('words')?.payload.split(' ') ?? []) : result;
  }

  /** Another client with the same session and what this one has now. */
  fork(): ReplicatedClient {
    const fork = Object.create(ReplicatedClient.prototype) as ReplicatedClient;
    return Object.assign(fork, this);
  }

  change(mode: 'create' | 'update', base: string | null, payload: string): SessionChange {
    const writeId = `w${ReplicatedClient.writes++}`;
    return { key: this.key, writeId, mode, parts: new Map([['words', { base, payload }]]) };
  }

  private get options(): { locator?: string } {
    return this.locator === undefined ? {} : { locator: this.locator };
  }

  private keep<T extends LoadResult | SaveResult>(result: T): T {
    if ('locator' in result && result.locator !== undefined) this.locator = result.locator;
    return result;
  }
}
