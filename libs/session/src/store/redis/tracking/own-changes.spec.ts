import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OwnChanges } from './own-changes.js';

type Step = 'read' | 'write' | 'foreign write' | 'data arrives' | 'sink arrives' | 'answer' | 'message' | 'beat';

const STEPS: Step[] = ['read', 'write', 'foreign write', 'data arrives', 'sink arrives', 'answer', 'message', 'beat'];

/**
 * One session on a Redis with CLIENT TRACKING, and a near cache with one copy: two connections, each in order, but not in step with each other.
 */
class Simulation {
  told = 0;

  /** Copies that were trusted up to a moment by which somebody else had changed the session. */
  stale = 0;
  private now = 0;
  private readonly foreign: number[] = [];
  private isTracked = false;
  private readonly commands: (Command | 'beat')[] = [];
  private readonly pings: 'beat'[] = [];
  private readonly answers: (Command | 'beat')[] = [];
  private readonly messages: ('change' | 'beat')[] = [];
  private readonly underWay = new Set<Command>();
  private readonly beat = { sentAt: -1, answers: 2 };
  private copyMadeAt: number | undefined;

  constructor(private readonly changes: (tell: () => void) => Pick<OwnChanges, keyof OwnChanges>) {
    this.own = this.changes(() => {
      this.told++;
      this.copyMadeAt = undefined;
      for (const command of this.underWay) command.isDirty = true;
    });
  }

  private readonly own: Pick<OwnChanges, keyof OwnChanges>;

  run(steps: readonly Step[]): this {
    for (const step of steps) this.take(step);
    // Everything that is on its way arrives in the end.
    const rest: Step[] = ['data arrives', 'sink arrives', 'answer', 'message'];
    for (let i = 0; i <= steps.length; i++) for (const step of rest) this.take(step);
    this.take('beat');
    for (let i = 0; i <= 2; i++) for (const step of rest) this.take(step);
    return this;
  }

  private take(step: Step): void {
    this.now++;
    switch (step) {
      case 'read':
      case 'write': {
        const command = { writes: step === 'write', madeAt: 0, isDirty: false };
        this.own.begin('k');
        this.underWay.add(command);
        this.commands.push(command);
        break;
      }
      case 'foreign write':
        this.foreign.push(this.now);
        this.change();
        break;
      case 'data arrives':
        this.execute(this.commands.shift());
        break;
      case 'sink arrives':
        if (this.pings.shift()) this.messages.push('beat');
        break;
      case 'answer':
        this.answered(this.answers.shift());
        break;
      case 'message': {
        const message = this.messages.shift();
        if (message === 'change') this.own.message('k');
        if (message === 'beat') this.beaten();
        break;
      }
      case 'beat':
        if (this.beat.answers < 2) break;
        Object.assign(this.beat, { sentAt: this.now, answers: 0 });
        this.own.beatSent();
        this.commands.push('beat');
        this.pings.push('beat');
        break;
    }
  }

  /** The script reads, perhaps writes, and reads. */
  private execute(command: Command | 'beat' | undefined): void {
    if (command === undefined) return;
    this.answers.push(command);
    if (command === 'beat') return;
    this.isTracked = true;
    if (command.writes) this.change();
    this.isTracked = true;
    command.madeAt = this.now;
  }

  private change(): void {
    if (this.isTracked) this.messages.push('change');
    this.isTracked = false;
  }

  private answered(answer: Command | 'beat' | undefined): void {
    if (answer === undefined) return;
    if (answer === 'beat') return this.beaten();
    this.own.end('k', answer.writes);
    this.underWay.delete(answer);
    if (!answer.isDirty) this.copyMadeAt = answer.madeAt;
  }

  private beaten(): void {
    if (++this.beat.answers < 2) return;
    this.own.beatAnswered();
    const { copyMadeAt, beat } = this;
    if (copyMadeAt !== undefined && this.foreign.some((at) => at > copyMadeAt && at < beat.sentAt)) this.stale++;
  }
}

interface Command {
  readonly writes: boolean;
  madeAt: number;
  isDirty: boolean;
}

const steps = fc.array(fc.constantFrom(...STEPS), { minLength: 10, maxLength: 80 });

describe('what is told of a session that we and others change', () => {
  it('[N2] is every change of others, before the beat that was sent after it is answered', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        expect(new Simulation((tell) => new OwnChanges(tell)).run(taken).stale).toBe(0);
      }),
      { numRuns: 20_000 },
    );
  });

  it('[N3] is nothing of our own, unless a beat is under way', () => {
    const alone = steps.map((taken) => taken.filter((step) => step !== 'foreign write' && step !== 'beat'));
    fc.assert(
      fc.property(alone, (taken) => {
        expect(new Simulation((tell) => new OwnChanges(tell)).run(taken).told).toBe(0);
      }),
      { numRuns: 5_000 },
    );
  });

  it('would be wrong if every message was taken for ours while we change it, or if beats were not heeded', () => {
    const isFound = (faulty: (tell: () => void) => OwnChanges): boolean =>
      fc.check(
        fc.property(steps, (taken) => new Simulation(faulty).run(taken).stale === 0),
        { numRuns: 20_000, endOnFailure: true },
      ).failed;

    expect(isFound((tell) => new Swallowing(tell))).toBe(true);
    expect(isFound((tell) => new Heedless(tell))).toBe(true);
    expect(isFound((tell) => new Once(tell))).toBe(true);
  });

  it('does not wait for ever for a message of ours that never comes: the next one is of another', () => {
    const told: string[] = [];
    const own = new OwnChanges((key) => told.push(key));
    own.begin('k');
    own.end('k', true);
    own.beatSent();
    own.beatAnswered();
    told.length = 0;

    own.message('k');

    expect(told).toEqual(['k']);
  });
});

/** Takes all that comes while a command is under way for one message. */
class Swallowing extends OwnChanges {
  private readonly busy = new Set<string>();

  override begin(key: string): void {
    this.busy.add(key);
    super.begin(key);
  }

  override end(key: string, hasChanged: boolean): void {
    this.busy.delete(key);
    super.end(key, hasChanged);
  }

  override message(key: string): void {
    if (!this.busy.has(key)) super.message(key);
  }
}

class Heedless extends OwnChanges {
  override beatAnswered(): void {}
}

/** Takes one message too many for ours. */
class Once extends OwnChanges {
  override end(key: string, hasChanged: boolean): void {
    super.end(key, hasChanged);
    if (!hasChanged) return;
    super.begin(key);
    super.end(key, true);
  }
}
