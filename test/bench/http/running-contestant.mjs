import { contestant } from '../apps/contestants.mjs';
import { Client } from '../measure/client.mjs';
import { runLoad } from '../measure/load.mjs';
import { Server } from '../measure/server.mjs';
import { Visitor } from '../measure/visitor.mjs';
import { SIZES } from './blocks.mjs';

/** A contestant that listens, and per size of session the clients that have sessions there. */
export class RunningContestant {
  constructor(server, visitors) {
    this.server = server;
    this.visitors = visitors;
  }

  /** @param {string[]} sizes */
  static async open(name, sizes, settings) {
    const server = await Server.start(name, settings);
    const client = new Client(server.port);
    const visitors = {};
    const { app, isOurs, maxBytes = Number.POSITIVE_INFINITY } = contestant(name);
    // A contestant without sessions has the same clients for every size.
    const taken = app === 'bare' ? ['one number'] : sizes.filter((size) => SIZES[size].bytes <= maxBytes);
    for (const size of taken) {
      const { bytes, visitors: count } = SIZES[size];
      visitors[size] = Array.from({ length: count }, () => new Visitor());
      for (const visitor of visitors[size]) {
        if (bytes > 0) await answers(client, `/fill?bytes=${bytes}`, visitor, 'filled');
        await answers(client, '/write', visitor, 'counter=');
      }
      await refuseWrongCounting(name, client, visitors[size][0]);
    }
    client.close();
    // Warm up: V8 compiles for some 50,000 requests, and its compiler runs on the server's core.
    for (const path of isOurs ? ['/ping', '/read', '/peek', '/write'] : ['/ping', '/read', '/write']) {
      const load = { port: server.port, path, visitors: Object.values(visitors)[0], connections: 16 };
      await runLoad({ ...load, ...settings.warmUp });
    }
    return new RunningContestant(server, visitors);
  }
}

async function answers(client, path, visitor, expected) {
  const { status, body } = await client.get(path, visitor);
  if (status !== 200 || !body.startsWith(expected)) throw new Error(`${path} was answered with ${status} ${body}`);
  return Number(body.slice(body.indexOf('=') + 1));
}

/** A contestant that does not count correctly is broken, so that its speed means nothing. */
async function refuseWrongCounting(name, client, visitor) {
  const before = await answers(client, '/read', visitor, 'counter=');
  const after = await answers(client, '/write', visitor, 'counter=');
  if (after !== before + 1 || (await answers(client, '/read', visitor, 'counter=')) !== after)
    throw new Error(`${name} counts ${before}, ${after}, ...`);
}
