import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { MemberProcess, TransportBuild } from '../support/member-process.js';
import type { ReplicationWireOptions } from '../../libs/replicated/src/transports/wire/wire.options.js';
import { type TestMember, TransportGroup, callMember, transportSettings } from './transport-settings.js';

let build: TransportBuild;
beforeAll(() => {
  build = new TransportBuild();
});
afterAll(() => build.remove());

describe.each(transportSettings)('the $adapter transport, $protection, with another process,', (setting) => {
  const group = new TransportGroup(setting);
  let s1: TestMember;
  let options: ReplicationWireOptions;
  let peer: MemberProcess;

  const call = (text: string, timeoutMs?: number): Promise<string> =>
    callMember(s1.transport, { name: 's2', ...options.listen }, text, timeoutMs);

  beforeAll(async () => {
    options = await group.optionsOf('s2');
    peer = await MemberProcess.start(build, setting.adapter, options);
  });
  beforeEach(async () => {
    s1 = await group.member('s1');
    await call('first');
  });
  afterAll(async () => {
    await peer.stop();
    await group.close();
  });

  it('counts a frozen member as silent, and reaches it again when it continues', async () => {
    peer.signal('SIGSTOP');
    await expect(call('are you there', 200)).rejects.toMatchObject({ reason: 'silent' });
    peer.signal('SIGCONT');
    await eventually('an answer', () => call('again', 1_000));
  });

  it('does not try forever to connect to a frozen member', async () => {
    peer.signal('SIGSTOP');
    const stranger = await group.member('s3');
    const member = { name: 's2', ...options.listen };
    await expect(stranger.transport.call(member, 'hello', 200)).rejects.toMatchObject({ reason: 'silent' });
    peer.signal('SIGCONT');
    await eventually('an answer', () => stranger.transport.call(member, 'hello', 1_000));
  });

  it('accepts an answer that came in time while this process was blocked', async () => {
    const answering = join(build.directory, 'answering');
    rmSync(answering, { force: true });
    const answer = call(`slowly ${answering}`, 300);
    // This process stops when the call was sent and is not answered yet.
    await new Promise((resolve) => setTimeout(resolve, 5));
    // From here on, timers run before the sockets are read.
    await new Promise((resolve) => setImmediate(resolve));
    while (!existsSync(answering)) standStill(20);
    standStill(600);
    await expect(answer).resolves.toBe(`s2 to s1: slowly ${answering}`);
  });

  it('counts a member as refused that dies while this process connects to it', async () => {
    const stranger = await group.member('s4');
    peer.signal('SIGSTOP');
    const answer = stranger.transport.call({ name: 's2', ...options.listen }, 'hello', 10_000);
    answer.catch(() => undefined);
    await new Promise((resolve) => process.nextTick(resolve));
    peer.signal('SIGKILL');
    standStill(300);
    await expect(answer).rejects.toMatchObject({ reason: 'refused' });
    await peer.stop();
    peer = await MemberProcess.start(build, setting.adapter, options);
  });

  it('counts a killed member as refused, even for a pending call, and reaches it after a restart', async () => {
    const underWay = call('never');
    underWay.catch(() => undefined);
    await call('second');
    await peer.stop();
    await expect(underWay).rejects.toMatchObject({ reason: 'refused' });
    await expect(call('third')).rejects.toMatchObject({ reason: 'refused' });

    peer = await MemberProcess.start(build, setting.adapter, options);
    await expect(call('welcome back')).resolves.toBe('s2 to s1: welcome back');
  });
});

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
