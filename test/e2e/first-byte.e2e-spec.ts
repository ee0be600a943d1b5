import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AnsweringController } from '../support/answering-controller.js';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';
import { waysToAnswer } from '../support/ways-to-answer.js';

describe.each(adapters)('R18 the first byte, $adapter', ({ adapter }) => {
  let server: TestApplication;
  beforeAll(async () => {
    server = await startApplication({ adapter, beans: [Counter], controllers: [AnsweringController] });
  });
  afterAll(() => server.close());
  beforeEach(() => {
    server.store.before = () => undefined;
    server.store.reset();
  });

  const ways = [...waysToAnswer.successes, ...waysToAnswer.failures].filter((way) => way.adapter === adapter);

  it.each(ways)('$method $path ($status) leaves when the state is stored', async ({ path, method, status, body }) => {
    const [reached, answered] = [new Latch(), new Latch()];
    server.store.before = (operation) => {
      if (operation !== 'save') return;
      reached.open();
      return answered.opened;
    };
    const client = await RawClient.open(server.url);
    client.request(`/answers/${path}`, ['Connection: close'], method);
    await reached.opened;
    // A request that comes later is answered in full: what could have arrived has arrived.
    await RawClient.exchange(server.url, '/answers/peek');
    expect(client.received).toBe('');
    answered.open();
    const response = await client.response();

    expect(response.status).toBe(status);
    expect(response.body).toBe(body ?? response.body);
    const length = Number(response.header('content-length') ?? response.body.length);
    expect(method === 'HEAD' ? 0 : length).toBe(response.body.length);
    const ours = response.cookies.filter((line) => line.startsWith('sid='));
    expect(ours).toEqual([expect.stringMatching(/^sid=[\w-]{65}; Path=\/; HttpOnly; SameSite=Lax$/)]);
    expect(response.header('cache-control')).toMatch(/no-store/);
    expect(response.header('vary')).toMatch(/\bCookie\b/);
    expect(server.store.calls).toEqual({ load: 0, save: 1, touch: 0, destroy: 0 });

    const again = await RawClient.exchange(server.url, '/answers/peek', [`Cookie: ${ours[0]?.split(';')[0]}`]);
    expect(again.body).toBe('n=1');
    expect(again.cookies).toEqual([]);
    expect(again.header('vary')).toBe('Cookie');
    expect(again.header('cache-control')).toBe('private');
    expect(server.store.calls.save).toBe(1);
  });

  it('keeps the cookies of the application, and replaces one of our name', async () => {
    const { cookies } = await RawClient.exchange(server.url, '/answers/own-cookies');
    expect(cookies).toEqual(['a=1', 'b=2; Path=/', expect.stringMatching(/^sid=[\w-]{65};/)]);
    const raw = await RawClient.exchange(server.url, '/answers/raw-head');
    expect(raw.cookies).toEqual(['a=1', 'b=2', expect.stringMatching(/^sid=[\w-]{65};/)]);
  });

  it('waits for what changes while the response is held', async () => {
    const { body, cookies } = await RawClient.exchange(server.url, '/answers/raw-change-while-held');
    expect(body).toBe('n=1');
    const again = await RawClient.exchange(server.url, '/answers/peek', [`Cookie: ${cookies[0]?.split(';')[0]}`]);
    expect(again.body).toBe('n=1');
  });
});
