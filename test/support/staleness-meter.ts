import { setTimeout as pause } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import type { ClientAccess, LoadResult, SaveResult, SessionKey, SessionStore } from 'nestjs-session-beans/store-kit';
import { newAccess } from './redis-stores.js';

const SESSIONS = 8;
const LIFETIME = { idleTimeoutMs: 600_000, absoluteTimeoutMs: 3_600_000, unjoinedTimeoutMs: 600_000 };

type Watch = NonNullable<Extract<LoadResult, { outcome: 'found' }>['watch']>;

interface Copy {
  readonly value: number;
  readonly version: string;
  readonly watch: Watch | undefined;
  readonly madeAfter: number;
}

/**
 * A near cache reduced to its rules, on one store, and another server that changes the same sessions: counts what is
 * answered from copies, and what of it was older than allowed.
 */
export class StalenessMeter {
  hits = 0;

  /** Hits on a copy that another server's change had made old by more than `maxStalenessMs`, in ms. */
  readonly tooOld: number[] = [];
  failures = 0;
  private readonly sessions = Array.from({ length: SESSIONS }, newAccess);
  private readonly copies = new Map<SessionKey, Copy>();
  private readonly underWay = new Map<SessionKey, { isDirty: boolean }>();

  /** When the other server was told that value n of a session is stored. */
  private readonly storedAt = new Map<string, number>();
  private isOver = false;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly reader: SessionStore,
    private readonly writer: SessionStore,
    private readonly maxStalenessMs = 200,
  ) {}

  async start(): Promise<this> {
    for (const session of this.sessions) {
      const parts = new Map([['n', { base: null, payload: '0' }]]);
      await this.writer.save({ ...session, writeId: randomUUID(), mode: 'create', lifetime: LIFETIME, parts });
    }
    this.reader.notices?.subscribe((key) => {
      this.copies.delete(key);
      const own = this.underWay.get(key);
      if (own) own.isDirty = true;
    });
    const others = this.repeat(4, () => this.changeElsewhere());
    // Half of the sessions are only read here: a conflict would tell what a message did not.
    const uses = this.sessions.map((session, i) => this.repeat(1, () => this.use(session, i % 2 === 0 ? 0 : 0.1)));
    this.running = Promise.all([others, ...uses]);
    return this;
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async repeat(pauseMs: number, step: () => Promise<void>): Promise<void> {
    while (!this.isOver) {
      await step().catch(() => this.failures++);
      await pause(pauseMs);
    }
  }

  private async changeElsewhere(): Promise<void> {
    const session = this.sessions[Math.floor(Math.random() * SESSIONS)] as ClientAccess;
    const current = read(await this.writer.load(session));
    if (current) await this.increase(this.writer, session, current.value, current.version);
  }

  private async increase(
    store: SessionStore,
    access: ClientAccess,
    value: number,
    version: string,
  ): Promise<SaveResult> {
    const parts = new Map([['n', { base: version, payload: `${value + 1}` }]]);
    const result = await store.save({ access, writeId: randomUUID(), mode: 'update', parts });
    if (result.outcome === 'saved' && store === this.writer)
      this.storedAt.set(`${access.key} ${value + 1}`, performance.now());
    return result;
  }

  /** A request: it reads, or sometimes changes. */
  private async use(session: ClientAccess, shareOfChanges: number): Promise<void> {
    const { key } = session;
    const now = performance.now();
    const copy = this.copies.get(key);
    const isTrusted = copy?.watch !== undefined && now - copy.watch.toldUntil <= this.maxStalenessMs;
    if (copy && isTrusted) this.hit(key, copy, now);
    const changes = Math.random() < shareOfChanges;
    if (copy && isTrusted && !changes) return;
    const own = { isDirty: false };
    this.underWay.set(key, own);
    try {
      const result =
        copy && isTrusted
          ? await this.increase(this.reader, session, copy.value, copy.version)
          : await this.reader.load(session, { touchAfterMs: changes ? 0 : 60_000 });
      this.copies.delete(key);
      const seen = result.outcome === 'saved' && copy ? { value: copy.value + 1, version: result.stamp } : read(result);
      const watch = 'watch' in result ? result.watch : undefined;
      if (seen && !own.isDirty) this.copies.set(key, { ...seen, watch, madeAfter: now });
    } finally {
      this.underWay.delete(key);
    }
  }

  private hit(key: SessionKey, copy: Copy, now: number): void {
    this.hits++;
    const newer = this.storedAt.get(`${key} ${copy.value + 1}`);
    // One from before the copy was made was lost by a failover.
    if (newer === undefined || newer < copy.madeAfter) return;
    if (now - newer > this.maxStalenessMs) this.tooOld.push(Math.round(now - newer));
  }
}

function read(result: LoadResult | SaveResult): { value: number; version: string } | undefined {
  if (!('record' in result)) return undefined;
  const part = result.record.parts.get('n');
  return part && { value: Number(part.payload), version: part.version };
}
