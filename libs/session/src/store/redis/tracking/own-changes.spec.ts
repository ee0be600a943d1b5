import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OwnChanges } from './own-changes.js';

const OWN = ['read', 'write', 'touch'] as const;
const ON_THEIR_WAY = ['data arrives', 'sink arrives', 'answer', 'message'] as const;
const STEPS = [...OWN, 'foreign write', ...ON_THEIR_WAY, 'beat'] as const;
type Step = (typeof STEPS)[number];

/**
 * One session on a Redis with CLIENT TRACKING, and a near cache with one copy. There are two connections, each in
 * order, but not in step with each other.
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
  private beat = { sentAt: -1, answers: 2 };
  private toldUntil = -1;
  private copyMadeAt: number | undefined;
  private readonly own: OwnChanges;

  /** @param asksAtOnce whether a beat asks both connections at once, rather than one after the other */
  constructor(
    make: (tell: () => void) => OwnChanges,
    private readonly asksAtOnce = false,
  ) {
    this.own = make(() => {
      this.told++;
      this.copyMadeAt = undefined;
      for (const command of this.underWay) command.isDirty = true;
    });
  }

  run(steps: readonly Step[]): this {
    for (const step of steps) this.take(step);
    // Everything that is on its way arrives in the end.
    this.settle(steps.length);
    this.take('beat');
    this.settle(2);
    return this;
  }

  private settle(most: number): void {
    for (let i = 0; i <= most; i++) for (const step of ON_THEIR_WAY) this.take(step);
  }

  private take(step: Step): void {
    this.now++;
    switch (step) {
      case 'read':
      case 'write':
      case 'touch': {
        const command = { writes: step !== 'read', isCopy: step !== 'touch', madeAt: 0, isDirty: false };
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
        if (message === 'beat') {
          this.own.sinkAnswered();
          if (!this.asksAtOnce) this.commands.push('beat');
          this.beaten();
        }
        break;
      }
      case 'beat':
        if (this.beat.answers < 2) break;
        this.beat = { sentAt: this.now, answers: 0 };
        this.own.beatSent();
        this.pings.push('beat');
        if (this.asksAtOnce) this.commands.push('beat');
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
    this.own.end('k', answer.writes, answer.isCopy);
    this.underWay.delete(answer);
    if (answer.isCopy) this.copyMadeAt = answer.isDirty ? undefined : answer.madeAt;
    this.look();
  }

  private beaten(): void {
    if (++this.beat.answers < 2) return;
    this.own.dataAnswered();
    this.toldUntil = this.beat.sentAt;
    this.look();
  }

  private look(): void {
    const { copyMadeAt, toldUntil } = this;
    if (copyMadeAt !== undefined && this.foreign.some((at) => at > copyMadeAt && at < toldUntil)) this.stale++;
  }
}

interface Command {
  readonly writes: boolean;

  /** Its answer takes the place of the copy. */
  readonly isCopy: boolean;
  madeAt: number;
  isDirty: boolean;
}

const some = (...of: Step[]) => fc.array(fc.constantFrom(...of), { minLength: 10, maxLength: 80 });
const all = some(...STEPS);
const alone = some(...STEPS.filter((step) => step !== 'foreign write' && step !== 'touch'));

describe('what is told of a session that we and others change', () => {
  it('[N2] is every change of others that no later answer shows, before a beat that was sent after it is over', () => {
    fc.assert(
      fc.property(all, (taken) => {
        expect(new Simulation((tell) => new OwnChanges(tell)).run(taken).stale).toBe(0);
      }),
      { numRuns: 20_000 },
    );
  });

  it('[N3] is no load and no save of our own, ever', () => {
    fc.assert(
      fc.property(alone, (taken) => {
        expect(new Simulation((tell) => new OwnChanges(tell)).run(taken).told).toBe(0);
      }),
      { numRuns: 10_000 },
    );
  });

  it('is a touch of our own only when it is answered during a beat', () => {
    fc.assert(
      fc.property(some(...OWN, ...ON_THEIR_WAY), (taken) => {
        expect(new Simulation((tell) => new OwnChanges(tell)).run(taken).told).toBe(0);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each<[string, (tell: () => void) => OwnChanges]>([
    ['every message is taken for ours while a command is under way', (tell) => new Swallowing(tell)],
    ['no one looks what is left when a beat is over', (tell) => new Heedless(tell)],
    ['an answer accounts for two messages', (tell) => new Twice(tell)],
    ['a touch is taken to show what others changed', (tell) => new Showing(tell)],
  ])('would be wrong if %s', (_what, faulty) => {
    const { failed } = fc.check(
      fc.property(all, (taken) => new Simulation(faulty).run(taken).stale === 0),
      { numRuns: 50_000, endOnFailure: true },
    );
    expect(failed).toBe(true);
  });

  it('would tell of our own if the other connection was asked before the sink had answered', () => {
    const { failed } = fc.check(
      fc.property(alone, (taken) => new Simulation((tell) => new OwnChanges(tell), true).run(taken).told === 0),
      { numRuns: 50_000, endOnFailure: true },
    );
    expect(failed).toBe(true);
  });

  it('does not wait for ever for a message of ours that never comes: the next one is of another', () => {
    const told: string[] = [];
    const own = new OwnChanges((key) => told.push(key));
    own.begin('k');
    own.end('k', true, true);
    own.beatSent();
    own.sinkAnswered();
    own.dataAnswered();
    told.length = 0;

    own.message('k');

    expect(told).toEqual(['k']);
  });
});

class Swallowing extends OwnChanges {
  private readonly busy = new Set<string>();

  override begin(key: string): void {
    this.busy.add(key);
    super.begin(key);
  }

  override end(key: string, hasChanged: boolean, showsState: boolean): void {
    this.busy.delete(key);
    super.end(key, hasChanged, showsState);
  }

  override message(key: string): void {
    if (!this.busy.has(key)) super.message(key);
  }
}

class Heedless extends OwnChanges {
  override dataAnswered(): void {}
}

class Twice extends OwnChanges {
  override end(key: string, hasChanged: boolean, showsState: boolean): void {
    super.end(key, hasChanged, showsState);
    if (!hasChanged) return;
    super.begin(key);
    super.end(key, true, showsState);
  }
}

class Showing extends OwnChanges {
  override end(key: string, hasChanged: boolean): void {
    super.end(key, hasChanged, true);
  }
}
