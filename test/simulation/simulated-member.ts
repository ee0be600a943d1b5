import type { Clock } from '../../libs/session/src/store/clock.js';
import type { ReplicationTimers } from '../../libs/replicated/src/options/replication-timers.js';
import type { AnswerReplicationCall } from '../../libs/replicated/src/transports/replication-transport.js';
import type { SeededRandom } from './seeded-random.js';
import type { Trace } from './trace.js';
import type { VirtualTime } from './virtual-time.js';

interface Waiting {
  readonly kind: 'timer' | 'message';
  readonly run: () => void;
}

/**
 * The process of one member: it runs, is frozen (SIGSTOP: nothing of it runs, what comes waits) or is down. Each start is another life with an
 * empty heap; what belongs to an earlier life never runs again.
 */
export class SimulatedMember {
  state: 'up' | 'frozen' | 'down' = 'down';
  life = 0;
  frozenSince = 0;

  /** Set while the process listens. */
  answer: AnswerReplicationCall | undefined = undefined;

  /** What tells the callers of unanswered calls that the process has ended. */
  readonly unanswered = new Set<() => void>();

  private waiting: Waiting[] = [];

  constructor(
    readonly name: string,
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    private readonly trace: Trace,
    /** What its two clocks are ahead of the world's, and how fast the monotonic one runs, 1 being the world's. */
    private readonly clocks: { readonly monotonicMs: number; readonly wallMs: number; readonly rate: number },
  ) {}

  start(): void {
    this.life++;
    this.state = 'up';
    this.trace.add(this.name, () => `starts (life ${this.life})`);
  }

  end(): void {
    this.trace.add(this.name, () => 'is down');
    this.state = 'down';
    this.answer = undefined;
    this.waiting = [];
    for (const tell of this.unanswered) tell();
    this.unanswered.clear();
  }

  freeze(): void {
    this.trace.add(this.name, () => 'is frozen');
    this.state = 'frozen';
    this.frozenSince = this.time.now;
  }

  /** Goes on as a process does after SIGCONT: first the timers that are due, then what waits in its sockets, in whatever order. */
  resume(): void {
    this.trace.add(this.name, () => `goes on, ${this.waiting.length} events wait`);
    this.state = 'up';
    const { life, waiting } = this;
    this.waiting = [];
    for (const kind of ['timer', 'message'] as const) {
      for (const event of waiting) {
        const afterMs = kind === 'timer' ? 0 : this.random.between(0, 3);
        if (event.kind === kind) this.time.after(afterMs, () => this.run(life, kind, event.run));
      }
    }
  }

  /** Runs it in this process now, when the process goes on, or never when that life is over. */
  run(life: number, kind: Waiting['kind'], run: () => void): void {
    if (this.life !== life || this.state === 'down') return;
    if (this.state === 'frozen') this.waiting.push({ kind, run });
    else run();
  }

  timers(): ReplicationTimers {
    const { life } = this;
    const { monotonicMs, rate } = this.clocks;
    return {
      now: () => this.time.now * rate + monotonicMs,
      after: (ms, callback) => {
        let isCancelled = false;
        const fire = (): void => {
          if (!isCancelled) callback();
        };
        this.time.after(ms / rate, () => this.run(life, 'timer', fire));
        return () => {
          isCancelled = true;
        };
      },
    };
  }

  clock(): Clock {
    return { now: () => Math.floor(1_800_000_000_000 + this.time.now + this.clocks.wallMs) };
  }
}
