import { setTimeout as pause } from 'node:timers/promises';
import { SessionStoreError } from '../../errors/session-store.error.js';
import type { PostgresConnection, PostgresPool } from './postgres-session-store.options.js';

type Operation = SessionStoreError['operation'];

/**
 * The pauses before a call is sent again, in ms: long enough for a server that restarts or fails over to answer, and
 * together shorter than the default of `storeTimeoutMs`.
 */
const PAUSES_MS = [10, 50, 150, 300];

/** After this long nothing is sent again: the request was answered by then. */
const GIVE_UP_MS = 600;

/**
 * SQLSTATE of faults that pass by: connections (08), resources (53), shutdowns and starts (57P), a server that is
 * read-only after a failover (25006), serialization failures and deadlocks (40).
 */
const PASSING = /^(08|53|57P|25006|40)/;

/** The server may have committed before the connection was lost or the server went down. */
const UNCLEAR = /^(08|57P|40003)/;

/** The table or the functions are not there. */
const MISSING = /^(42P01|42883|3F000)/;

/** A value for a function. */
export type PostgresValue = string | number | boolean | readonly string[] | null | undefined;

/** Connections that have a listener for errors, whichever store uses them. */
const heard = new WeakSet<PostgresConnection>();

/** Calls functions of the database: one statement, one round trip. */
export class PostgresCalls {
  constructor(
    private readonly pool: PostgresPool,
    private readonly table: string,
  ) {}

  /**
   * Calls a function, and calls it again after a fault that passes by. The answer to the first call may have been lost,
   * so the function must recognise what it has done already.
   *
   * @throws (rejects with) SessionStoreError
   */
  async call(operation: Operation, name: string, values: readonly PostgresValue[]): Promise<string> {
    const places = values.map((_, i) => `$${i + 1}`).join(', ');
    const text = `SELECT ${this.table}_${name}_1(${places}) AS answer`;
    const startedAt = performance.now();
    for (let attempt = 0, mayHaveRun = false; ; attempt++) {
      try {
        return await this.once(text, values);
      } catch (error) {
        const failure = error as CallFailure;
        mayHaveRun ||= failure.mayHaveRun;
        const waitMs = PAUSES_MS[attempt];
        const isLate = waitMs === undefined || performance.now() - startedAt + waitMs > GIVE_UP_MS;
        if (isLate || !failure.mayPass) throw this.failed(operation, failure, mayHaveRun);
        await pause(waitMs * (0.5 + Math.random()));
      }
    }
  }

  /** @throws (rejects with) CallFailure */
  private async once(text: string, values: readonly PostgresValue[]): Promise<string> {
    const connection = await this.connect();
    try {
      const { rows } = await connection.query(text, [...values]);
      connection.release();
      return rows[0]?.['answer'] as string;
    } catch (error) {
      const code = codeOf(error);
      // After an error of the statement alone the connection is as good as before.
      connection.release(code === undefined || PASSING.test(code));
      throw new CallFailure(error, {
        mayHaveRun: code === undefined || UNCLEAR.test(code),
        mayPass: code === undefined || PASSING.test(code),
      });
    }
  }

  /** @throws (rejects with) CallFailure */
  private async connect(): Promise<PostgresConnection> {
    try {
      const connection = await this.pool.connect();
      // Without a listener, a connection that is lost during a query ends the process. The query gets the error, too.
      if (!heard.has(connection)) connection.on('error', () => undefined);
      heard.add(connection);
      return connection;
    } catch (error) {
      const code = codeOf(error);
      throw new CallFailure(error, { mayHaveRun: false, mayPass: code === undefined || PASSING.test(code) });
    }
  }

  private failed(operation: Operation, { cause, code }: CallFailure, mayHaveRun: boolean): SessionStoreError {
    const hint = MISSING.test(code ?? '') ? '; run the statements of postgresMigration()' : '';
    const message = cause instanceof Error ? cause.message || cause.constructor.name : String(cause);
    const applied = mayHaveRun && operation !== 'load' ? 'unknown' : false;
    return new SessionStoreError({ store: 'postgres', operation, problem: message + hint, applied, cause });
  }
}

/** A call that failed once. The cause is the error of `pg`, which has no arguments. */
class CallFailure extends Error {
  readonly mayHaveRun: boolean;
  readonly mayPass: boolean;

  constructor(cause: unknown, { mayHaveRun, mayPass }: { mayHaveRun: boolean; mayPass: boolean }) {
    super('a call failed', { cause });
    this.mayHaveRun = mayHaveRun;
    this.mayPass = mayPass;
  }

  get code(): string | undefined {
    return codeOf(this.cause);
  }
}

/** The SQLSTATE, where the server has answered. Errors of the network have codes of their own: ECONNREFUSED. */
export function codeOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
