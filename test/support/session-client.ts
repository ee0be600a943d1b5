import assert from 'node:assert/strict';
import type { Response } from 'supertest';
import { Client, setCookies } from './client.js';

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

/** A gap between two beats counts as this at most, in ms. */
const LONGEST_BEAT_MS = 20;

const BEAT_MS = 10;

/**
 * How long this process has been running, in ms. Time in which a busy machine lets it stand still hardly counts, for
 * servers and clients that share the process stand still together: what takes long by this clock was waiting, not
 * starved.
 */
export class RunningTime {
  private counted = 0;
  private last = performance.now();
  private readonly beat = setInterval(() => this.count(), BEAT_MS);

  get ms(): number {
    this.count();
    return this.counted;
  }

  stop(): void {
    clearInterval(this.beat);
  }

  private count(): void {
    const now = performance.now();
    this.counted += Math.min(now - this.last, LONGEST_BEAT_MS);
    this.last = now;
  }
}
