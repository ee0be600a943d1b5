import { describe, expect, it } from '@jest/globals';
import { faults } from './faults.js';
import type { PlantedBug } from './fixture/plant.js';
import { writingRoutes } from './route-mix.js';
import type { StressScenario } from './run-stress.js';
import { StressBed } from './stress-bed.js';
import type { Rule } from './violation.js';

interface Planted {
  readonly plant: PlantedBug | '';
  readonly delays: { readonly invalidations: number; readonly data: number };
  readonly meanwhile?: (bed: StressBed) => StressScenario['meanwhile'];
}

const MAX_STALENESS_MS = 400;

/** What would not be found without its part of the near cache, each where the network makes the mistake likely. */
describe('the checker of histories', () => {
  const quick = { invalidations: 0, data: 0 };
  const slowNews = { invalidations: 250, data: 5 };
  const slowAnswers = { invalidations: 2, data: 80 };
  const hole =
    (bed: StressBed): StressScenario['meanwhile'] =>
    () =>
      faults.blackHole(bed.servers, 'invalidations', 'from Redis');

  /** A run is short, and is done again until it has found something, or often enough. */
  async function brokenWith({ plant, delays, meanwhile }: Planted, runs: number): Promise<Rule[]> {
    const bed = await StressBed.start({ mode: 'bounded', env: { PLANT: plant }, maxStalenessMs: MAX_STALENESS_MS });
    try {
      bed.slowDown(delays);
      const few = { routes: writingRoutes, sessions: 40, clientsPerSession: 3, thinkMs: 400, durationMs: 4_000 };
      for (let run = 1; run <= runs; run++) {
        const { broken } = await bed.run(meanwhile?.(bed), few);
        if (Object.keys(broken).length > 0) return Object.keys(broken) as Rule[];
      }
      return [];
    } finally {
      await bed.stop();
    }
  }

  it.each<[string, Rule, Planted]>([
    ['doubts are forgotten when the answer to a load comes', 'wrong entry', { plant: 'no-guard', delays: slowAnswers }],
    ['silence is taken for no news', 'too stale', { plant: 'no-lease', delays: slowNews, meanwhile: hole }],
    ['nobody looks at what the client was shown', 'own write not read', { plant: 'no-token', delays: slowNews }],
    ['the scripts do not read last what they wrote', 'wrong entry', { plant: 'no-re-arm', delays: quick }],
  ])(
    'finds it when %s: %s',
    async (_what, rule, planted) => {
      expect(await brokenWith(planted, 5)).toContain(rule);
    },
    60_000,
  );

  it.each([
    ['news', slowNews],
    ['answers', slowAnswers],
  ])(
    'finds nothing without a planted bug, with slow %s',
    async (_what, delays) => {
      expect(await brokenWith({ plant: '', delays, meanwhile: hole }, 1)).toEqual([]);
    },
    60_000,
  );
});
