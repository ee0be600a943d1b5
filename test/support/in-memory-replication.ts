import {
  type AnswerReplicationCall,
  ReplicationCallError,
  type ReplicationTransport,
} from '../../libs/replicated/src/transports/replication-transport.js';
import type { ReplicationMember } from '../../libs/replicated/src/members/replication-member.js';

/** A message between members. */
export interface ReplicationTraffic {
  readonly from: string;
  readonly to: string;
  readonly text: string;

  /** Type of the message, e.g. `put`. */
  readonly type: string;
}

/**
 * `deliver` by default; `lose` the message; `loseAnswer` once it was handled; `fail` as if the time for an answer had
 * passed; or deliver it when the promise resolves.
 */
export type ReplicationFate = 'deliver' | 'lose' | 'loseAnswer' | 'fail' | Promise<void>;

/** @returns what is answered instead of `answer` */
export type AnswerOverride = (message: ReplicationTraffic, answer: string) => string;

/** A network of members within this process, on which a test decides what becomes of each message. */
export class InMemoryReplication {
  private readonly listening = new Map<string, AnswerReplicationCall>();
  private readonly cut = new Set<string>();
  private readonly lives = new Map<string, number>();
  private readonly overrides = new Map<string, AnswerOverride>();

  /** All messages that were sent. */
  readonly traffic: ReplicationTraffic[] = [];

  /** Asked for each message. */
  fateOf: (message: ReplicationTraffic) => ReplicationFate = () => 'deliver';

  transportOf(name: string): ReplicationTransport {
    let isClosed = false;
    const life = this.lifeOf(name);
    return {
      listen: async (answer) => {
        this.listening.set(name, answer);
      },
      call: (member, text, timeoutMs) =>
        isClosed || life !== this.lifeOf(name)
          ? Promise.reject(silence(name))
          : this.call(name, member, text, timeoutMs),
      close: async () => {
        isClosed = true;
        if (life === this.lifeOf(name)) this.listening.delete(name);
      },
    };
  }

  /** No message gets from one to the other, in both directions. */
  separate(one: string, other: string): void {
    this.cut.add(`${one} ${other}`).add(`${other} ${one}`);
  }

  /** Nobody hears of the member, and it hears of nobody, as if its process stood still. */
  isolate(name: string): void {
    for (const other of this.listening.keys()) if (other !== name) this.separate(name, other);
  }

  heal(): void {
    this.cut.clear();
  }

  /** The member answers something else, for tests that damage it. */
  overrideAnswer(name: string, override: AnswerOverride): void {
    this.overrides.set(name, override);
  }

  /**
   * The process of the member ends: nobody listens there any more, and what it says is not heard. A transport made
   * afterwards is another process.
   */
  kill(name: string): void {
    this.listening.delete(name);
    this.lives.set(name, this.lifeOf(name) + 1);
  }

  private lifeOf(name: string): number {
    return this.lives.get(name) ?? 1;
  }

  private async call(from: string, { name: to }: ReplicationMember, text: string, timeoutMs: number): Promise<string> {
    const { type } = JSON.parse(text) as { type: string };
    const message = { from, to, text, type };
    this.traffic.push(message);
    return withTimeout(timeoutMs, to, async () => {
      const fate = this.cut.has(`${from} ${to}`) ? 'lose' : this.fateOf(message);
      if (typeof fate !== 'string') await fate;
      if (fate === 'fail') throw silence(to);
      if (fate === 'lose') return new Promise<string>(() => undefined);
      const answer = this.listening.get(to);
      if (!answer) throw new ReplicationCallError('refused', `nobody listens at '${to}'`);
      const told = await answer(from, text);
      const reply = this.overrides.get(to)?.(message, told) ?? told;
      return fate === 'loseAnswer' || this.cut.has(`${from} ${to}`) ? new Promise<string>(() => undefined) : reply;
    });
  }
}

function withTimeout(ms: number, to: string, work: () => Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(silence(to)), ms);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

function silence(name: string): ReplicationCallError {
  return new ReplicationCallError('silent', `'${name}' does not answer`);
}
