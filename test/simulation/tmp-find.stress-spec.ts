import { it } from '@jest/globals';
import { appendFileSync } from 'node:fs';
import { firstSeedThatBreaks } from './first-seed-that-breaks.js';
import { plantedReplicationBugs } from './planted-replication-bugs.js';

const { ONLY = '.', MOST = '12000', BEGIN = '1' } = process.env;
it('finds', async () => {
  for (const [name, { breaks, stores }] of Object.entries(plantedReplicationBugs)) {
    if (!new RegExp(ONLY).test(name)) continue;
    const started = Date.now();
    const seed = await firstSeedThatBreaks(breaks, stores, Number(MOST), Number(BEGIN));
    appendFileSync('/tmp/found-seeds.txt', `${name}: ${seed} (${Date.now() - started} ms)\n`);
  }
}, 36_000_000);
