import assert from 'node:assert/strict';
import type { Response } from 'supertest';
import { Client, setCookies } from './client.js';
import { RunningTime } from './running-time.js';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
  readonly setCookie: readonly string[];
  /** Until the answer was there, as far as this process ran. */
  readonly ms: number;
}

/** One client of a counting application. It looks at all that an answer says about the session. */
export class SessionClient {
  private readonly client: Client;

  constructor(url: string) {
    this.client = new Client(url);
  }

  get cookie(): string {
    return this.client.cookie;
  }

  set cookie(pair: string) {
    this.client.cookie = pair;
  }

  get(path: string): Promise<Answer> {
    return timed(() => this.client.get(path));
  }

  post(path: string): Promise<Answer> {
    return timed(() => this.client.post(path));
  }

  /** Counts, and expects to be told the number. */
  async counts(expected: number): Promise<void> {
    const { status, text } = await this.post('/count');
    assert.deepEqual({ status, text }, { status: 201, text: `${expected}` });
  }
}

async function timed(send: () => Promise<Response>): Promise<Answer> {
  const time = new RunningTime();
  try {
    const response = await send();
    const { status, text } = response;
    return { status, text, retryAfter: response.get('Retry-After'), setCookie: setCookies(response), ms: time.ms };
  } finally {
    time.stop();
  }
}
