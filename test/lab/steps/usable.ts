import { LabClient } from '../lab-client.js';
import type { Cell, Step } from '../step.js';

const READS = 12;

/**
 * Whether a session can be used at all: clients start one each, and read it. With servers that share nothing, a read
 * finds it by chance only. Half of the clients ask with the cookie of their session each time. The others do as a
 * browser does: they forget it when a server that does not know it tells them so.
 */
export const usable: Step = {
  name: 'usable',
  title: 'usable behind the balancer',
  seconds: { quick: 3, normal: 3, full: 5 },
  appliesTo: ({ name }) => name !== 'plain',
  async play({ topology, recording, size }: Cell): Promise<void> {
    const clients = Array.from({ length: size.clients }, (_, i) => new LabClient(topology.url, `c${i}`, recording));
    await Promise.all(
      clients.map(async (client, i) => {
        const isBrowser = i % 2 === 1;
        await client.count();
        const cookies = [...client.cookies];
        for (let read = 0; read < READS; read++) {
          await client.ask(isBrowser ? 'browse' : 'peek', '/count/peek');
          if (!isBrowser) for (const [name, value] of cookies) client.cookies.set(name, value);
          // Each read is looked at by itself: it finds the session that was started, or not.
          client.told = 1;
        }
        client.close();
      }),
    );
  },
};
