import { setTimeout as pause } from 'node:timers/promises';
import { Load } from '../../balancers/load.js';
import { LabClient } from '../lab-client.js';
import type { Cell, Step } from '../step.js';

const PAUSE_MS = 80;
const CALM_MS = 1_500;

/** How long the fourth server is watched once it gets requests, in ms. */
const WATCH_MS = 6_000;

/** How many requests a newcomer sends before it leaves for good. */
const VISITS = 4;

/**
 * A fourth server joins three: how long until it has its share of the clients that come back, and of those that come
 * anew, and whether a session was lost on the way.
 */
export const join: Step = {
  name: 'join',
  title: 'a fourth server joins',
  seconds: { quick: 12, normal: 16, full: 25 },
  // A free nginx reads its list of servers when it is told to load its files again.
  appliesTo: (_, balancer) => balancer === 'haproxy',
  isLong: true,
  topology: { servers: 4, started: 3, balancer: { change: withFourthServer } },
  async play({ topology, recording, size, pattern }: Cell): Promise<void> {
    const isPlain = pattern.name === 'plain';
    const returning = Array.from({ length: size.clients }, (_, i) => new LabClient(topology.url, `c${i}`, recording));
    if (!isPlain) for (const client of returning) await client.count();
    let newcomers = 0;
    const visit = async (): Promise<void> => {
      const client = new LabClient(topology.url, `n${++newcomers}`, recording);
      for (let i = 0; i < VISITS; i++) await client.ask('newcomer', isPlain ? '/ping' : '/count');
      client.close();
    };
    const stopWatching = recording.watch(topology);
    const loads = [
      new Load(returning, (client) => client.ask('returning', isPlain ? '/ping' : '/count'), PAUSE_MS),
      new Load([1, 2, 3], visit, PAUSE_MS * 2),
    ];
    try {
      await pause(CALM_MS * size.pace);
      recording.event('s4 is started', true);
      await topology.cluster.restore();
      recording.event('s4 gets requests');
      await pause(WATCH_MS * size.pace);
    } finally {
      for (const load of loads) await load.stop();
      stopWatching();
    }
    if (!isPlain) for (const client of returning) await client.judge();
    for (const client of returning) client.close();
  },
};

/** The files of `deploy` have three servers. */
function withFourthServer(text: string): string {
  return text.replace(
    /^( *)server s3 .*$/m,
    (line) => `${line}\n${line.replaceAll('s3', 's4').replaceAll('S3', 'S4')}`,
  );
}
