import { setTimeout as pause } from 'node:timers/promises';
import type { SessionKey } from '../session-id.js';
import type { SessionWatch } from '../session-store.js';
import type { PostgresConnection } from './postgres-session-store.options.js';

/** The pauses before a new connection, in ms. */
const RETRY_MS = 50;
const MOST_RETRY_MS = 1_000;

/** A connection whose beats are not answered for so long is given up. */
const SILENT_MS = 2_000;

/** After so many attempts in a row that failed, an operator is warned. */
const FAILURES_UNTIL_WARNING = 10;

export interface PostgresNoticesSetup {
  /** Makes a connection for this purpose alone. */
  readonly connect: () => Promise<PostgresConnection>;
  readonly table: string;

  /** Names this server to the others. */
  readonly origin: string;
  readonly beatMs: number;
  readonly onChange: (key: SessionKey) => void;
  readonly warn: (warning: string) => void;
}

/** Up to which moment one connection was told of every change. */
class ConnectionWatch implements SessionWatch {
  private until = -Infinity;
  private isOver = false;

  get toldUntil(): number {
    return this.until;
  }

  advance(moment: number): void {
    if (!this.isOver) this.until = moment;
  }

  end(): void {
    this.isOver = true;
    this.until = -Infinity;
  }
}

/**
 * Listens to what other servers change, on a connection of its own, and keeps proving that it has missed nothing.
 *
 * PostgreSQL puts the notices of a transaction into one queue for all, under a lock that is held until the commit: the
 * order of the queue is the order of the commits. A listener gets the queue in that order. So the proof is a notice to
 * ourselves: when the beat that was sent at `t` arrives, each change that was committed before `t` has arrived, too.
 * `toldUntil` is the `t` of the newest such beat. A connection that is lost, or silent, proves nothing any more, and
 * ends its watch for good.
 */
export class PostgresNotices {
  private current: ConnectionWatch | undefined;
  private isClosed = false;
  private stop: (() => void) | undefined;

  constructor(private readonly setup: PostgresNoticesSetup) {
    void this.keepListening();
  }

  /** For the answers of calls that are sent now. Undefined while nobody tells this server of changes. */
  get watch(): SessionWatch | undefined {
    return this.current;
  }

  close(): void {
    this.isClosed = true;
    this.current?.end();
    this.current = undefined;
    this.stop?.();
  }

  private async keepListening(): Promise<void> {
    for (let failures = 0; !this.isClosed;) {
      try {
        await this.listen(() => (failures = 0));
      } catch (error) {
        if (++failures === FAILURES_UNTIL_WARNING && !this.isClosed)
          this.setup.warn(`the near cache works in mode validate: it cannot listen to PostgreSQL: ${textOf(error)}`);
      }
      if (!this.isClosed)
        await pause(Math.min(MOST_RETRY_MS, RETRY_MS * 2 ** Math.min(failures, 10)), undefined, UNREF);
    }
  }

  /** Resolves when the notices are closed, rejects when the connection is lost. */
  private async listen(onArmed: () => void): Promise<void> {
    const { table, origin, beatMs } = this.setup;
    const connection = await this.setup.connect();
    const watch = new ConnectionWatch();
    const beats = new Beats(connection, `${table}:${origin}`, watch);
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.stop = resolve;
        connection.on('error', reject);
        connection.on('end', () => reject(new Error('the connection has ended')));
        connection.on('notification', ({ channel, payload = '' }) => {
          if (channel === beats.channel) beats.arrived(payload);
          else if (!payload.startsWith(`${origin} `)) this.setup.onChange(payload.slice(payload.indexOf(' ') + 1));
        });
        const arm = async (): Promise<void> => {
          await connection.query(`LISTEN "${table}"; LISTEN "${beats.channel}"`);
          await connection.query(`SELECT ${table}_listen_1()`);
          if (this.isClosed) return resolve();
          this.current = watch;
          onArmed();
          const beat = (): void => void beats.send().catch(reject);
          timer = setInterval(beat, beatMs).unref();
          beat();
        };
        arm().catch(reject);
      });
    } finally {
      clearInterval(timer);
      watch.end();
      if (this.current === watch) this.current = undefined;
      connection.release(true);
    }
  }
}

/** Notices that a connection sends to itself. */
class Beats {
  private readonly sentAt = new Map<string, number>();
  private heardAt = performance.now();
  private count = 0;
  private isSending = false;

  constructor(
    private readonly connection: PostgresConnection,
    readonly channel: string,
    private readonly watch: ConnectionWatch,
  ) {}

  async send(): Promise<void> {
    const now = performance.now();
    if (now - this.heardAt > SILENT_MS) throw new Error(`no answer within ${SILENT_MS} ms`);
    // A slow server gets the next one when it has taken this one.
    if (this.isSending) return;
    this.isSending = true;
    const name = `${this.count++}`;
    this.sentAt.set(name, now);
    await this.connection.query('SELECT pg_notify($1, $2)', [this.channel, name]);
    this.isSending = false;
  }

  arrived(name: string): void {
    this.heardAt = performance.now();
    const sentAt = this.sentAt.get(name);
    if (sentAt !== undefined) this.watch.advance(sentAt);
    this.sentAt.delete(name);
  }
}

const UNREF = { ref: false };

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
