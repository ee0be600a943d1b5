import { inspect } from 'node:util';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SeededRandom } from '../simulation/seeded-random.js';

/** How often the event loop may turn until a case is over: none of them waits for a timer or a socket. */
const MOST_TURNS = 200;

/** How many cases run between two looks at the prototypes, which cost as much as a case. */
const BLOCK = 500;

const SHOWN_CHARACTERS = 400;

/** One case: what it puts in, and what it does with that. */
export interface FuzzCase {
  /** Shown when the case fails. */
  readonly input: unknown;

  /** @throws Error when a rule is broken */
  run(): Promise<void> | void;
}

/**
 * Runs cases that depend on the seed and their number, and on ids, which are random. A case fails when it throws,
 * leaves a promise rejected that nobody waits for, is not over after a number of turns of the event loop, or changes a
 * prototype.
 *
 * @param waits whether the cases wait for sockets: then no number of turns is too large
 * @throws Error that names the seed, the number and the input of the case
 */
export async function expectCases(
  seed: number,
  count: number,
  make: (random: SeededRandom) => FuzzCase,
  { waits = false }: { readonly waits?: boolean } = {},
): Promise<void> {
  const prototypes = new Prototypes();
  const unhandled = new UnhandledRejections();
  const seeds = new SeededRandom(seed);
  try {
    for (let number = 0; number < count; number++) {
      const fuzzCase = make(seeds.split(number));
      try {
        const running = fuzzCase.run();
        if (running) await (waits ? running : settledSoon(running));
        if (number % BLOCK === 0 || number === count - 1) {
          prototypes.expectUnchanged();
          // A rejection is unhandled when the turn in which it was made is over.
          await nextTurn();
        }
        unhandled.expectNone();
      } catch (cause) {
        const input = inspect(fuzzCase.input, { maxStringLength: SHOWN_CHARACTERS, depth: 6 });
        throw new Error(`seed ${seed}, case ${number}: ${String(cause)}\ninput: ${input}`, { cause });
      }
    }
  } finally {
    unhandled.stop();
  }
}

/** Nobody waits for these. */
class UnhandledRejections {
  private readonly found: unknown[] = [];
  private readonly note = (reason: unknown): void => void this.found.push(reason);

  constructor() {
    process.on('unhandledRejection', this.note);
  }

  expectNone(): void {
    if (this.found.length > 0) throw new Error(`a rejection that nobody handles: ${inspect(this.found)}`);
  }

  stop(): void {
    process.off('unhandledRejection', this.note);
  }
}

/** The prototypes that everything inherits from, as they were. */
class Prototypes {
  private readonly before = PROTOTYPES.map((prototype) => Object.getOwnPropertyDescriptors(prototype));

  expectUnchanged(): void {
    PROTOTYPES.forEach((prototype, i) => {
      const before = this.before[i] as Record<PropertyKey, PropertyDescriptor>;
      const now = Object.getOwnPropertyDescriptors(prototype) as Record<PropertyKey, PropertyDescriptor>;
      const changed = [...Reflect.ownKeys(before), ...Reflect.ownKeys(now)].filter(
        (key) => before[key]?.value !== now[key]?.value || before[key]?.get !== now[key]?.get,
      );
      if (changed.length > 0) throw new Error(`a prototype has changed: ${changed.map(String).join()}`);
    });
  }
}

const PROTOTYPES: readonly object[] = [Object, Array, Function, String, Number, Boolean, Map, Set, Date, Promise].map(
  ({ prototype }) => prototype as object,
);

async function settledSoon(work: Promise<void>): Promise<void> {
  const state = { isOver: false };
  const watched = work.finally(() => (state.isOver = true));
  // The failure is thrown below.
  watched.catch(() => undefined);
  for (let turns = 0; !state.isOver; turns++) {
    if (turns === MOST_TURNS) throw new Error(`is not over after ${MOST_TURNS} turns of the event loop`);
    await nextTurn();
  }
  await watched;
}
