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
 * The process of one member. It is up, down, or frozen (by SIGSTOP: nothing runs, and incoming messages wait). Each
 * start makes a new generation with an empty heap; callbacks of an earlier generation never run.
 */
export class SimulatedMember {
  state: 'up' | 'frozen' | 'down' = 'down';
  generation = 0;
  frozenSince = 0;

  /** Set while the process listens. */
  answer: AnswerReplicationCall | undefined = undefined;

  /** Callbacks that tell the callers of unanswered calls that the process has ended. */
  readonly unanswered = new Set<() => void>();

  private waiting: Waiting[] = [];

  constructor(
    readonly name: string,
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    private readonly trace: Trace,
    /**
     * How far its two clocks are ahead of the simulation's, and the speed of the monotonic one; 1 is the simulation's
     * speed.
     */
    private readonly clocks: { readonly monotonicMs: number; readonly wallMs: number; readonly rate: number },
    /** How long a turn of its event loop takes at most. */
    private readonly turnMs: number,
  ) {}

  start(): void {
    this.generation++;
    this.state = 'up';
    this.trace.add(this.name, () => `starts (generation ${this.generation})`);
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

  /** Continues as after SIGCONT: due timers fire first, then messages arrive from the sockets, in any order. */
  resume(): void {
    this.trace.add(this.name, () => `goes on, ${this.waiting.length} events wait`);
    this.state = 'up';
    const { generation, waiting } = this;
    this.waiting = [];
    for (const kind of ['timer', 'message'] as const) {
      for (const event of waiting) {
        const afterMs = kind === 'timer' ? 0 : this.random.between(0, 3);
        if (event.kind === kind) this.time.after(afterMs, () => this.run(generation, kind, event.run));
      }
    }
  }

  /** Runs the callback now, after `resume()` if the process is frozen, or never if that generation has ended. */
  run(generation: number, kind: Waiting['kind'], run: () => void): void {
    if (this.generation !== generation || this.state === 'down') return;
    if (this.state === 'frozen') this.waiting.push({ kind, run });
    else run();
  }

  timers(): ReplicationTimers {
    const { generation } = this;
    const { monotonicMs, rate } = this.clocks;
    return {
      now: () => this.time.now * rate + monotonicMs,
      after: (ms, callback) => {
        let isCancelled = false;
        const fire = (): void => {
          if (!isCancelled) callback();
        };
        this.time.after(ms / rate, () => this.run(generation, 'timer', fire));
        return () => {
          isCancelled = true;
        };
      },
      afterTurn: (callback) => {
        const ms = this.turnMs === 0 ? 0 : this.random.between(0, this.turnMs);
        this.time.after(ms, () => this.run(generation, 'timer', callback));
      },
    };
  }

  clock(): Clock {
    return { now: () => Math.floor(1_800_000_000_000 + this.time.now + this.clocks.wallMs) };
  }
}
