import assert from 'node:assert/strict';
import { RunningTime } from './running-time.js';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
  readonly setCookie: readonly string[];
  /** Until the answer was there, as far as this process ran. */
  readonly ms: number;
}

/** One client of one server: keeps its cookie, and all that an answer says about the session. */
export class SessionClient {
  cookie = '';

  constructor(private readonly url: string) {}

  get(path: string): Promise<Answer> {
    return this.send('GET', path);
  }

  post(path: string): Promise<Answer> {
    return this.send('POST', path);
  }

  /** Counts, and expects to be told the number. */
  async counts(expected: number): Promise<void> {
    const { status, text } = await this.post('/count');
    assert.deepEqual({ status, text }, { status: 201, text: `${expected}` });
  }

  private async send(method: string, path: string): Promise<Answer> {
    const headers: Record<string, string> = this.cookie === '' ? {} : { cookie: this.cookie };
    const time = new RunningTime();
    try {
      const response = await fetch(`${this.url}${path}`, { method, headers });
      const text = await response.text();
      const setCookie = response.headers.getSetCookie();
      for (const line of setCookie) this.cookie = line.slice(0, line.indexOf(';'));
      const retryAfter = response.headers.get('retry-after');
      return { status: response.status, text, retryAfter, setCookie, ms: time.ms };
    } finally {
      time.stop();
    }
  }
}
