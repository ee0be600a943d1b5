import { BalancedClient } from '../support/balanced-client.js';
import { eventually } from '../support/eventually.js';
import { type Recording, rounded } from './recording.js';

/**
 * A client whose requests are recorded. It counts, and knows what it was told last, so that a lost session or update is
 * seen. Close it.
 */
export class LabClient extends BalancedClient {
  /** The number in the last answer; 0 before the first, and when its session began anew. */
  told = 0;

  constructor(
    url: string,
    readonly name: string,
    private readonly recording: Recording,
    keepAlive = true,
  ) {
    super(url, keepAlive);
  }

  /** Adds one to its counter. */
  count(): Promise<void> {
    return this.ask('count', '/count');
  }

  peek(): Promise<void> {
    return this.ask('peek', '/count/peek');
  }

  /** A page without a session. */
  ping(): Promise<void> {
    return this.ask('ping', '/ping');
  }

  /** Any page whose answer tells the counter. */
  async ask(page: string, path: string): Promise<void> {
    const mark = this.recording.nextMark();
    const t = this.recording.now;
    const start = performance.now();
    const { status, text } = await this.get(`${path}${path.includes('?') ? '&' : '?'}${mark}`);
    const ms = rounded(performance.now() - start);
    const digits = /^counter=(\d+)$/.exec(text)?.[1];
    const number = status === 200 && digits !== undefined ? { number: Number(digits), told: this.told } : {};
    this.recording.addRequest(mark, { kind: 'request', t, ms, client: this.name, page, status, ...number });
    if (number.number !== undefined) this.told = number.number;
  }

  /** Asks for the number once more, when all is over, until somebody answers. */
  async judge(): Promise<void> {
    const { told } = this;
    const number = await eventually(
      'the session is seen',
      async () => {
        const { status, text } = await this.get('/count/peek');
        return status === 200 ? Number(/\d+/.exec(text)?.[0]) + 1 : undefined;
      },
      15_000,
    ).catch(() => undefined);
    const seen = number === undefined ? {} : { number: number - 1 };
    this.recording.add({ kind: 'session', client: this.name, told, ...seen });
  }
}
