import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { type TestMember, TransportGroup, callMember, transportSettings } from './transport-settings.js';

describe.each(transportSettings)('the $adapter transport, $protection', (setting) => {
  const group = new TransportGroup(setting);
  let s1: TestMember;
  let s2: TestMember;
  beforeAll(async () => {
    [s1, s2] = [await group.member('s1'), await group.member('s2')];
  });
  afterAll(() => group.close());

  it('carries calls both ways, with the name of the caller', async () => {
    await expect(callMember(s1.transport, s2, 'good morning')).resolves.toBe('s2 to s1: good morning');
    await expect(callMember(s2.transport, s1, 'and to you')).resolves.toBe('s1 to s2: and to you');
    expect(s2.heard).toEqual([{ from: 's1', text: 'good morning' }]);
  });

  it('gives each of 200 concurrent calls its own answer, over one connection', async () => {
    const proxy = await TcpProxy.start(s2.port);
    const caller = await group.member('s1');
    const reached = { ...s2, port: proxy.port };
    await callMember(caller.transport, reached, 'first');
    const connections = proxy.connectionsMade;
    const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`);
    const answers = await Promise.all(texts.map((text) => callMember(caller.transport, reached, text)));
    expect(answers).toEqual(texts.map((text) => `s2 to s1: ${text}`));
    expect(proxy.connectionsMade).toBe(connections);
    await proxy.close();
  });

  it('B6 listens and calls again after it was closed', async () => {
    const options = await group.optionsOf('s3');
    const transport = group.transport(options);
    const s3 = { name: 's3', ...options.listen };
    for (const time of ['first', 'second']) {
      await transport.listen(async (_from, text) => `${time} ${text}`);
      // Its first call may still find the connection that was closed.
      const heard = (): Promise<string | undefined> => callMember(s1.transport, s3, 'hello').catch(() => undefined);
      expect(await eventually('it answers', heard)).toBe(`${time} hello`);
      await expect(callMember(transport, s2, 'hello')).resolves.toBe('s2 to s3: hello');
      await transport.close();
    }
  });

  it('answers the second of two calls while the first waits', async () => {
    let answerFirst: (answer: string) => void = () => undefined;
    const options = await group.optionsOf('s3');
    const transport = group.transport(options);
    await transport.listen((_from, text) =>
      text === 'first' ? new Promise((resolve) => (answerFirst = resolve)) : Promise.resolve(text),
    );
    const s3 = { name: 's3', ...options.listen };
    const first = callMember(s1.transport, s3, 'first');
    await expect(callMember(s1.transport, s3, 'second')).resolves.toBe('second');
    answerFirst('late');
    await expect(first).resolves.toBe('late');
  });

  it('answers a limited number of calls at a time, and then the others', async () => {
    let answering = 0;
    let most = 0;
    const answers: (() => void)[] = [];
    const options = await group.optionsOf('s3');
    const transport = group.transport(options);
    await transport.listen((_from, text) => {
      most = Math.max(most, ++answering);
      return new Promise((resolve) => {
        answers.push(() => {
          answering--;
          resolve(text);
        });
      });
    });
    const texts = Array.from({ length: 1_200 }, (_, index) => `text ${index}`);
    const calls = texts.map((text) => callMember(s1.transport, { name: 's3', ...options.listen }, text));
    let answered = 0;
    let waiting = 0;
    await eventually('all answers', () => {
      // Only when no more calls arrive.
      const isStill = answers.length === waiting;
      waiting = answers.length;
      for (const answer of isStill ? answers.splice(0) : []) {
        answer();
        answered++;
      }
      return answered === texts.length;
    });
    await expect(Promise.all(calls)).resolves.toEqual(texts);
    expect(most).toBeLessThanOrEqual(1_000);
  });

  it('carries 4 MB of any characters', async () => {
    const text = '{"name":"žluťoučký \\u0000 🐎"}'.repeat(140_000).slice(0, 3_900_000);
    const answer = await callMember(s1.transport, s2, text);
    expect(answer.length).toBe('s2 to s1: '.length + text.length);
    expect(answer === `s2 to s1: ${text}`).toBe(true);
  });

  it('carries an empty text', async () => {
    await expect(callMember(s1.transport, s2, '')).resolves.toBe('s2 to s1: ');
  });

  it('refuses to send a message above its limit, and goes on', async () => {
    const small = await group.member('s1', { maxMessageBytes: 65_536 });
    await expect(callMember(small.transport, s2, 'x'.repeat(70_000))).rejects.toMatchObject({
      reason: 'rejected',
      message: expect.stringContaining('above maxMessageBytes'),
    });
    await expect(callMember(small.transport, s2, 'small')).resolves.toBe('s2 to s1: small');
  });

  it('does not accept a message above its limit, and goes on', async () => {
    const small = await group.member('s3', { maxMessageBytes: 65_536 });
    await callMember(s1.transport, small, 'first');
    const call = s1.transport.call(small, 'x'.repeat(70_000), 2_000);
    await expect(call).rejects.toMatchObject({ reason: 'silent' });
    await expect(callMember(s1.transport, small, 'small')).resolves.toBe('s3 to s1: small');
    expect(small.heard.map(({ text }) => text)).toEqual(['first', 'small']);
  });

  it('counts a member as silent when the connection breaks during a call, and connects again', async () => {
    const proxy = await TcpProxy.start(s2.port);
    const reached = { ...s2, port: proxy.port };
    const caller = await group.member('s1');
    await callMember(caller.transport, reached, 'first');
    proxy.tamper = () => Buffer.alloc(0);
    const lost = caller.transport.call(reached, 'lost', 60_000);
    lost.catch(() => undefined);
    await nextTurn();
    proxy.tamper = (piece) => piece;
    proxy.cut();
    await expect(lost).rejects.toMatchObject({ reason: 'silent' });
    await expect(callMember(caller.transport, reached, 'again')).resolves.toBe('s2 to s1: again');
    await proxy.close();
  });

  it('makes another connection when one delivers nothing', async () => {
    const proxy = await TcpProxy.start(s2.port);
    const reached = { ...s2, port: proxy.port };
    const caller = await group.member('s1');
    await callMember(caller.transport, reached, 'first');
    const connections = proxy.connectionsMade;
    proxy.tamper = (piece) => (proxy.connectionsMade > connections ? piece : Buffer.alloc(0));
    await expect(caller.transport.call(reached, 'lost', 100)).rejects.toMatchObject({ reason: 'silent' });
    await eventually('an answer', () => caller.transport.call(reached, 'again', 500));
    expect(proxy.connectionsMade).toBeGreaterThan(connections);
    await proxy.close();
  });

  it('rejects a call as refused if no process listens', async () => {
    const nobody = { name: 's9', host: '127.0.0.1', port: await freePort() };
    await expect(callMember(s1.transport, nobody, 'hello')).rejects.toMatchObject({
      reason: 'refused',
      message: expect.stringContaining(`member s9 at 127.0.0.1:${nobody.port}`),
    });
  });

  it('rejects a member that has another name', async () => {
    await expect(callMember(s1.transport, { ...s2, name: 's3' }, 'who are you')).rejects.toMatchObject({
      reason: 'rejected',
    });
    expect(s2.heard.map(({ text }) => text)).not.toContain('who are you');
  });

  it('cannot listen on a port that is in use', async () => {
    const { listen } = await group.optionsOf('s3');
    await expect(group.member('s3', { listen: { ...listen, port: s2.port } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  it('fails pending calls when it is closed, and every later call', async () => {
    const options = await group.optionsOf('s3');
    const waiting = group.transport(options);
    let wasCalled = false;
    await waiting.listen(() => new Promise(() => (wasCalled = true)));
    const leaving = await group.member('s1');
    const s3 = { name: 's3', ...options.listen };
    const call = callMember(leaving.transport, s3, 'never answered');
    call.catch(() => undefined);
    await eventually('the call', () => wasCalled);
    await leaving.transport.close();
    await expect(call).rejects.toMatchObject({ name: 'ReplicationCallError' });
    await expect(callMember(leaving.transport, s3, 'one more')).rejects.toMatchObject({ name: 'ReplicationCallError' });
  });
});
