import { afterAll, beforeAll } from '@jest/globals';
import pg from 'pg';
import { PostgresSessionStore } from 'nestjs-session-beans/postgres';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { PostgresServer } from '../support/postgres-server.js';
import { rounds } from '../support/rounds.js';
import { realTime } from './real-time.js';
import { returningCopies } from './returned-copies.js';

let postgres: PostgresServer;
let pool: pg.Pool;
beforeAll(async () => {
  postgres = await PostgresServer.start();
  pool = new pg.Pool({ connectionString: postgres.url, max: 20 });
});
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

/** Keys are random, so all tests use one table. A connection takes as long as a session of the suite may live. */
describeSessionStore('postgres', () => new PostgresSessionStore({ pool }), { ...realTime, unitMs: 200 });

if (rounds(false, true)) {
  describeSessionStore('postgres, with copies', () => returningCopies(new PostgresSessionStore({ pool })), {
    ...realTime,
    unitMs: 200,
  });
}
