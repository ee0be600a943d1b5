import { LabClient } from '../lab-client.js';
import type { Cell, Step } from '../step.js';

const READS = 12;

/**
 * Whether a session can be used at all: clients start one each, and read it. With two servers that share nothing, a
 * read finds it by chance only.
 */
export const usable: Step = {
  name: 'usable',
  title: 'usable behind the balancer',
  seconds: { quick: 3, normal: 3, full: 5 },
  appliesTo: ({ name }) => name !== 'plain',
  async play({ topology, recording, size }: Cell): Promise<void> {
    const clients = Array.from({ length: size.clients }, (_, i) => new LabClient(topology.url, `c${i}`, recording));
    await Promise.all(
      clients.map(async (client) => {
        await client.count();
        for (let i = 0; i < READS; i++) {
          await client.peek();
          // Each read is looked at by itself: it finds the session that was started, or not.
          client.told = 1;
        }
        client.close();
      }),
    );
  },
};
