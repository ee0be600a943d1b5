import { describe, expect, it } from '@jest/globals';
import { faults } from './faults.js';
import type { PlantedBug } from './fixture/plant.js';
import { lastingRoutes, writingRoutes } from './route-mix.js';
import type { StressScenario } from './run-stress.js';
import { StressBed } from './stress-bed.js';
import type { Rule } from './violation.js';

/** Circumstances that make a mistake likely. */
interface Circumstances {
  /** How much later, in ms, at most, what Redis says arrives: what others changed, and answers. */
  readonly news: number;
  readonly answers: number;
  readonly maxStalenessMs: number;
  readonly load: Partial<StressScenario>;
  readonly hasHole?: true;
}

const few = { sessions: 10, clientsPerSession: 3, thinkMs: 60, durationMs: 4_000 };
const circumstances = {
  'slow answers': { news: 0, answers: 60, maxStalenessMs: 1_000, load: { ...few, routes: writingRoutes } },
  'no news': { news: 0, answers: 0, maxStalenessMs: 400, load: { ...few, routes: lastingRoutes }, hasHole: true },
  'slow news': { news: 300, answers: 0, maxStalenessMs: 1_000, load: { ...few, routes: lastingRoutes } },
  'many writes': { news: 0, answers: 0, maxStalenessMs: 1_000, load: { ...few, routes: writingRoutes, sessions: 20 } },
} as const satisfies Record<string, Circumstances>;

describe('the checker of histories', () => {
  /** A run is short, and is done again until it has found something, or often enough. */
  async function brokenIn(name: keyof typeof circumstances, plant: PlantedBug | '', runs: number): Promise<Rule[]> {
    const { news, answers, maxStalenessMs, load, hasHole }: Circumstances = circumstances[name];
    const bed = await StressBed.start({ mode: 'bounded', env: { PLANT: plant }, maxStalenessMs });
    try {
      bed.slowDown({ invalidations: news, data: answers });
      const hole = (): Promise<void> => faults.blackHole(bed.servers, 'invalidations', 'from Redis');
      for (let run = 1; run <= runs; run++) {
        const { broken } = await bed.run(hasHole && hole, load);
        if (Object.keys(broken).length > 0) return Object.keys(broken) as Rule[];
      }
      return [];
    } finally {
      await bed.stop();
    }
  }

  it.each<[string, PlantedBug, keyof typeof circumstances, Rule[]]>([
    ['doubts are forgotten when an answer comes', 'no-guard', 'slow answers', ['wrong entry', 'too stale']],
    ['silence is taken for no news', 'no-lease', 'no news', ['too stale']],
    ['nobody looks at what the client was shown', 'no-token', 'slow news', ['own write not read', 'went back']],
    ['the scripts do not read last what they wrote', 'no-re-arm', 'many writes', ['wrong entry', 'too stale']],
  ])(
    'finds it when %s',
    async (_what, plant, name, rules) => {
      const broken = await brokenIn(name, plant, 6);
      expect(rules).toContain(broken[0]);
    },
    120_000,
  );

  it.each(Object.keys(circumstances) as (keyof typeof circumstances)[])(
    'finds nothing without a planted bug: %s',
    async (name) => {
      expect(await brokenIn(name, '', 1)).toEqual([]);
    },
    120_000,
  );
});
