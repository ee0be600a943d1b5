import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RedisSessionStore } from 'nestjs-session-beans/redis';
import { eventually } from '../support/eventually.js';
import { newAccess, readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { StalenessMeter } from '../support/staleness-meter.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { TrackingPair } from '../../libs/session/src/store/redis/tracking/tracking-pair.js';

describe('the tracking connections of a near cache', () => {
  let redis: RedisServer;
  let network: TcpProxy;
  let reader: RedisSessionStore;
  let writer: RedisSessionStore;
  let meter: StalenessMeter;
  beforeEach(async () => {
    redis = await RedisServer.start();
    network = await TcpProxy.start(redis.port);
    reader = await readyRedisStore({ url: `redis://127.0.0.1:${network.port}` });
    writer = await readyRedisStore({ url: redis.url });
    meter = await new StalenessMeter(reader, writer).start();
    await isUsed();
  });
  afterEach(async () => {
    await meter.stop();
    await Promise.all([reader.close(), writer.close()]);
    await network.close();
    await redis.stop();
  });

  it.each(['sink', 'data'])('recover after the server kills one (%s), and no copy is too old', async (kind) => {
    for (let i = 0; i < 5; i++) {
      await kill(kind);
      await isUsed();
    }

    expect(meter.tooOld).toEqual([]);
    expect(meter.failures).toBe(0);
  });

  it.each([
    ['sink', 'toServer'],
    ['sink', 'toClient'],
    ['data', 'toServer'],
    ['data', 'toClient'],
  ])('F28 recover after the network swallows traffic (%s, %s), and no copy is too old', async (kind, swallowed) => {
    const { watch } = await watched();
    network.swallows = (sent, direction) => sent.includes(`session-beans:${kind}`) && direction === swallowed;

    await eventually('it is not trusted any more', () => watch.toldUntil === -Infinity);
    const { hits } = meter;
    // No new pair of connections can be made now, so every read uses the ordinary connection.
    await eventually(
      'the ordinary connection is used',
      async () => (await reader.load(newAccess())).outcome === 'none',
    );
    expect(meter.hits).toBe(hits);
    network.swallows = () => false;
    await isUsed();

    expect(meter.tooOld).toEqual([]);
  });

  it('would let copies get too old if beats did not wait for the sink', async () => {
    const honest = TrackingPair.prototype['ping'];
    let planted = 0;
    TrackingPair.prototype['ping'] = async function (this: TrackingPair) {
      const sentAt = performance.now();
      await this['data'].runForText('sessionBeansBeat', [this['beatKey']]);
      this['watch'].advance(sentAt);
      planted++;
    };
    try {
      await eventually('no honest beat is under way', () => planted > 0);
      network.swallows = (sent, direction) => sent.includes('session-beans:sink') && direction === 'toClient';
      await eventually('something too old is answered', () => meter.tooOld.length > 0);
    } finally {
      TrackingPair.prototype['ping'] = honest;
      network.swallows = () => false;
    }
    await kill('sink');
    await isUsed();

    expect(meter.tooOld.length).toBeGreaterThan(0);
  });

  it('recover after all traffic was lost for a while, and no copy is too old', async () => {
    network.isBlackHole = true;
    const { failures } = meter;
    await eventually('requests fail', () => meter.failures > failures);
    network.isBlackHole = false;
    await isUsed();

    expect(meter.tooOld).toEqual([]);
  });

  it('revoke trust in earlier reads after FLUSHALL, without a reconnection', async () => {
    const { watch } = await watched();
    const connections = await names();

    await redis.command('FLUSHALL');

    await eventually('it is not trusted any more', () => watch.toldUntil === -Infinity);
    const { watch: next } = await watched();
    await eventually('the next one is', () => next.toldUntil > performance.now() - 1_000);
    expect(await names()).toEqual(connections);
  });

  it('recover after a restart of Redis', async () => {
    const { watch } = await watched();

    await redis.kill();
    await eventually('it is not trusted any more', () => watch.toldUntil === -Infinity);
    await redis.run();

    const { watch: next } = await watched();
    await eventually('the next one is', () => next.toldUntil > 0);
    expect(meter.tooOld).toEqual([]);
  });

  it('revoke trust in all copies in time when Redis hangs, and recover', async () => {
    const { watch } = await watched();
    redis.signal('SIGSTOP');

    await eventually('it is not trusted any more', () => watch.toldUntil === -Infinity);
    redis.signal('SIGCONT');
    await isUsed();

    expect(meter.tooOld).toEqual([]);
  });

  it('revoke trust in all copies when Redis has become a replica', async () => {
    const primary = await RedisServer.start();
    try {
      const { watch } = await watched();
      await redis.command('REPLICAOF', '127.0.0.1', primary.port);

      await eventually('it is not trusted any more', () => watch.toldUntil === -Infinity);
      await redis.command('REPLICAOF', 'NO', 'ONE');
      const { watch: next } = await watched();
      await eventually('the next one is', () => next.toldUntil > 0);
      expect(meter.tooOld).toEqual([]);
    } finally {
      await primary.stop();
    }
  });

  it('F35 survive when this process is busy for longer than a beat may be silent', async () => {
    const { watch } = await watched();
    const end = performance.now() + 1_500;
    while (performance.now() < end);

    expect(performance.now() - watch.toldUntil).toBeGreaterThan(1_000);
    await eventually('it is heard again', () => watch.toldUntil > end);
    expect(meter.tooOld).toEqual([]);
  });

  /** Waits until reads are answered from copies, on the current connections. */
  async function isUsed(): Promise<void> {
    await watched();
    const { hits } = meter;
    await eventually('copies are used', () => meter.hits > hits + 50);
  }

  async function watched(): Promise<{ watch: { readonly toldUntil: number } }> {
    const session = newAccess();
    const parts = new Map();
    const lifetime = { idleTimeoutMs: 600_000, absoluteTimeoutMs: 600_000, unjoinedTimeoutMs: 600_000 };
    return eventually('an answer carries a watch', async () => {
      await writer.save({ ...session, writeId: 'w', mode: 'create', lifetime, parts });
      const result = await reader.load(session);
      return result.outcome === 'found' && result.watch && { watch: result.watch };
    });
  }

  async function names(): Promise<string[]> {
    const list = String(await redis.command('CLIENT', 'LIST'));
    return [...list.matchAll(/^id=(\d+).* name=(session-beans:\w+)/gm)]
      .map(([, id, name]) => `${id} ${name}`)
      .toSorted();
  }

  async function kill(kind: string): Promise<void> {
    for (const name of await names()) {
      const [id = '', its] = name.split(' ');
      if (its === `session-beans:${kind}`) await redis.command('CLIENT', 'KILL', 'ID', id);
    }
  }
});
