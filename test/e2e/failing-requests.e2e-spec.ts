import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, InternalServerErrorException } from '@nestjs/common';
import { SessionEvents } from 'nestjs-session-beans';
import { AnsweringController } from '../support/answering-controller.js';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';
import { waysToAnswer } from '../support/ways-to-answer.js';

let started = new Latch();
let goOn = new Latch();

@Controller()
class SlowController {
  @Inject() private readonly counter!: Counter;

  @Get('slow-failure') async fail(): Promise<never> {
    this.counter.value += 100;
    started.open();
    await goOn.opened;
    throw new InternalServerErrorException();
  }
}

describe.each(adapters)('R34 F33 a request that fails, $adapter', ({ adapter }) => {
  describe.each(['always', 'success'] as const)('commitOn %s', (commitOn) => {
    let server: TestApplication;
    let cookie: string;
    beforeAll(async () => {
      server = await startApplication({
        adapter,
        beans: [Counter],
        controllers: [AnsweringController, SlowController],
        session: { commitOn },
      });
    });
    afterAll(() => server.close());
    beforeEach(async () => {
      [started, goOn] = [new Latch(), new Latch()];
      server.store.before = () => undefined;
      const { cookies } = await RawClient.exchange(server.url, '/answers/value');
      cookie = `Cookie: ${cookies[0]?.split(';')[0]}`;
      server.store.reset();
    });
    const stored = commitOn === 'always' ? 1 : 0;
    const ways = waysToAnswer.failures.filter((way) => way.adapter === adapter);

    it.each(ways)(`$path ($status) stores ${stored ? 'what it changed' : 'nothing'}`, async ({ path, status }) => {
      const first = await RawClient.exchange(server.url, `/answers/${path}`);
      expect(first.status).toBe(status);
      expect(first.cookies).toHaveLength(stored);
      const second = await RawClient.exchange(server.url, `/answers/${path}`, [cookie]);
      expect(second.status).toBe(status);
      expect(server.store.calls.save).toBe(stored * 2);
      const peek = await RawClient.exchange(server.url, '/answers/peek', [cookie]);
      expect(peek.body).toBe(`n=${1 + stored}`);
    });

    it.each(ways)('$path ($status) is answered as it is when the store is down', async ({ path, status }) => {
      const errors: string[] = [];
      const stop = server.app.get(SessionEvents).on('notStored', ({ error }) => errors.push(error.name));
      server.store.before = (operation) => {
        if (operation === 'save') throw new Error('down');
      };
      const response = await RawClient.exchange(server.url, `/answers/${path}`, [cookie]);
      stop();
      expect(response.status).toBe(status);
      expect(response.cookies).toEqual([]);
      expect(errors).toEqual(stored ? ['SessionStoreError'] : []);
    });

    it('does not take along what an overlapping request changed', async () => {
      const failing = RawClient.exchange(server.url, '/slow-failure', [cookie]);
      await started.opened;
      const succeeding = await RawClient.exchange(server.url, '/answers/value', [cookie]);
      expect(succeeding.body).toBe('n=2');
      goOn.open();
      expect((await failing).status).toBe(500);
      const peek = await RawClient.exchange(server.url, '/answers/peek', [cookie]);
      // With `always` it conflicts with what was stored meanwhile; either way nothing of it is there.
      expect(peek.body).toBe('n=2');
    });
  });
});
