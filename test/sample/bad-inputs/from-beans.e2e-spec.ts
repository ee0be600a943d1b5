import { describe, expect, it } from '@jest/globals';
import { SessionModule, SessionResponseCommittedError, SessionScoped } from 'nestjs-session-beans';
import { eventually } from '../../support/eventually.js';
import { badBeans, kept, refused, takeLateError, ways } from './from-beans.js';
import { SampleUnderTest, idCookies, samples, tokenOf } from './sample-under-test.js';
import { Serving } from './serving.js';

describe.each(samples)('bad beans: the sample with them, $pattern $mode, $adapter,', (each) => {
  const on = new Serving(each, badBeans);

  const post = (path: string) => on.sample.send('POST', `/bag/${path}`, on.cookie(), 'Content-Length: 0');
  const show = async (): Promise<string> => (await on.sample.get('/bag', on.cookie())).body;

  it.each(Object.keys(kept))('%s is kept', async (title) => {
    const put = await post(`put/${encodeURIComponent(title)}`);
    expect(put.status).toBe(201);
    expect(await show()).toBe(put.body);
  });

  it.each(Object.keys(refused))('%s is refused, and what is stored stays', async (title) => {
    await post(`put/${encodeURIComponent('B52 a Date')}`);
    const before = await show();
    const put = await post(`put/${encodeURIComponent(title)}`);
    expect([put.status, idCookies(put)]).toEqual([500, []]);
    expect(JSON.parse(put.body)).toMatchObject({
      statusCode: 500,
      message: expect.stringMatching(/^internal server error$/i),
    });
    expect(await show()).toBe(before);
    await on.expectUnharmed();
  });

  it('B54 a shared reference becomes two copies', async () => {
    await post('share');
    expect(await show()).toBe('[ { a: 1 }, { a: 1 } ]');
  });

  it('B61 a constructor that throws fails the request, and nothing is stored', async () => {
    expect((await post('broken')).status).toBe(500);
    expect(await on.sample.stored(on.token, 'broken')).toBeUndefined();
    await on.expectUnharmed();
  });

  it('B62 a part of a bean that was kept for a later request never reaches that', async () => {
    await post('keep');
    await post('use-kept');
    expect(await show()).toBe('{ count: 1 }');
  });

  it('B63 a change after the response is an error, and not stored', async () => {
    expect((await post('late')).body).toBe('ok');
    await eventually('the code after the response has run', () => lateErrorIs(SessionResponseCommittedError));
    expect((await on.sample.get('/bag/count', on.cookie())).body).toBe('count=0');
  });

  it.each(ways)('B64 B65 B66 the answer %s leaves when the change is stored', async (way) => {
    const first = await on.sample.get(`/bag/${way}`, on.cookie());
    expect(first.status).toBeLessThan(400);
    expect(idCookies(first)).toEqual([]);
    expect((await on.sample.get('/bag/count', on.cookie())).body).toBe('count=1');
    const started = await on.sample.get(`/bag/${way}`);
    expect((await on.sample.get('/bag/count', on.cookie(tokenOf(started)))).body).toBe('count=1');
    expect(started.cookies).toEqual(expect.arrayContaining(way === 'twice' ? ['a=1', 'b=2'] : []));
  });

  it('B67 a write after the end begins another session, one before it is gone; two renewals are one', async () => {
    const written = await post('logout-write');
    expect(await on.sample.record(on.token)).toBeUndefined();
    expect((await on.sample.get('/bag/count', on.cookie(tokenOf(written)))).body).toBe('count=5');

    await on.begin();
    expect(tokenOf(await post('write-logout'))).toBe('');
    expect(await on.sample.record(on.token)).toBeUndefined();

    await on.begin();
    const renewed = await post('renew-twice');
    expect(idCookies(renewed)).toHaveLength(1);
    expect((await on.peek(tokenOf(renewed))).body).toBe('counter=1');
    expect((await on.peek()).body).toBe('counter=0');

    await on.begin();
    expect(tokenOf(await post('renew-logout'))).toBe('');
    expect(await on.sample.record(on.token)).toBeUndefined();
  });

  it('B68 changes in parallel inside one handler are all stored', async () => {
    await post('parallel');
    expect((await on.sample.get('/bag/count', on.cookie())).body).toBe('count=50');
  });
});

function lateErrorIs(type: new (...args: never[]) => Error): boolean {
  const error = takeLateError();
  return error instanceof type;
}

@SessionScoped({ name: 'map' })
class ExtendedMap extends Map<string, string> {}

@SessionScoped({ name: 'counter' })
class Namesake {
  value = 0;
}

// What is refused at boot does not depend on the store.
describe.each(samples.filter(({ pattern }) => pattern === 'none' || pattern === 'sticky'))(
  'the sample, $pattern, $adapter, does not start with',
  (each) => {
    it.each([
      ['B59 a bean that extends Map', { imports: [SessionModule.forFeature([ExtendedMap])] }, /ExtendedMap/],
      ['B60 two beans of one name', { imports: [SessionModule.forFeature([Namesake])] }, /'counter'|"counter"/],
      ['B70 a second forRoot()', { imports: [SessionModule.forRoot()] }, /forRoot/],
    ])('%s', async (_title, more, text) => {
      await expect(SampleUnderTest.start(each, more)).rejects.toThrow(text);
    });

    it.each([
      ['a short secret', { SESSION_SECRETS: 'short' }, 'signingKeys'],
      ['no lifetime', { IDLE_TIMEOUT_MS: '0' }, 'idleTimeoutMs = 0'],
      ['a lifetime that is no number', { IDLE_TIMEOUT_MS: '30m' }, 'IDLE_TIMEOUT_MS=30m'],
    ])('B69 %s', async (_title, env, text) => {
      const wrong = { ...each, env: { ...each.env, ...env } };
      await expect(SampleUnderTest.start(wrong)).rejects.toThrow(text);
    });
  },
);
