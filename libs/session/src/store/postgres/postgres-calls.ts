import { hash } from 'node:crypto';
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

/** A connection has forgotten a prepared statement, or has one of this name from somebody else. */
const OTHER_STATEMENTS = /^(26000|42P05)$/;

/** The table or the functions are not there. */
const MISSING = /^(42P01|42883|3F000)/;

/** A value for a function. */
export type PostgresValue = string | number | boolean | readonly string[] | null | undefined;

/** A function, without the name of the table before it and the number of the layout after it, and its values. */
export type FunctionCall = readonly [name: string, values: readonly PostgresValue[]];

/** Connections that have a listener for errors, whichever store uses them. */
const heard = new WeakSet<PostgresConnection>();

/** Calls functions of the database: one statement, one round trip. */
export class PostgresCalls {
  /**
   * Whether connections keep prepared statements, which saves a third of what a call costs the database. A pooler in
   * transaction mode does not, and gives itself away: the process that it tells is none of the database's.
   */
  keepsStatements = false;
  private readonly statements = new Map<string, { readonly name: string; readonly text: string }>();

  constructor(
    private readonly pool: PostgresPool,
    private readonly table: string,
  ) {}

  /**
   * Calls a function, and calls it again after a fault that passes by. The answer to the first call may have been lost,
   * so the function must recognise what it has done already.
   *
   * @param then is called with the same intention when the first function answers with nothing
   * @throws (rejects with) SessionStoreError
   */
  async call(operation: Operation, first: FunctionCall, then?: FunctionCall): Promise<string> {
    let call = first;
    const startedAt = performance.now();
    for (let attempt = 0, mayHaveRun = false; ; attempt++) {
      try {
        const answer = await this.once(call);
        if (answer !== null || !then) return answer as string;
        call = then;
        attempt--;
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
  private async once([name, values]: FunctionCall): Promise<string | null> {
    const statement = this.statementOf(name, values.length);
    const connection = await this.connect();
    try {
      const { rows } = await connection.query(this.keepsStatements ? statement : statement.text, [...values]);
      connection.release();
      return rows[0]?.['answer'] as string | null;
    } catch (error) {
      const code = codeOf(error);
      // After an error of the statement alone the connection is as good as before.
      connection.release(code === undefined || PASSING.test(code));
      const isForgotten = OTHER_STATEMENTS.test(code ?? '');
      if (isForgotten) this.keepsStatements = false;
      throw new CallFailure(error, {
        mayHaveRun: code === undefined || UNCLEAR.test(code),
        mayPass: code === undefined || isForgotten || PASSING.test(code),
      });
    }
  }

  private statementOf(name: string, count: number): { readonly name: string; readonly text: string } {
    let statement = this.statements.get(name);
    if (!statement) {
      const places = Array.from({ length: count }, (_, i) => `$${i + 1}`).join(', ');
      const text = `SELECT ${this.table}_${name}_1(${places}) AS answer`;
      // Stores with other tables may share the pool. Names are cut off at 63 letters.
      statement = { name: `session_beans_${hash('sha256', text, 'base64url').slice(0, 16)}`, text };
      this.statements.set(name, statement);
    }
    return statement;
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
