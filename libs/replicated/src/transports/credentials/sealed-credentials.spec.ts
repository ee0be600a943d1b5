import { beforeEach, describe, expect, it } from '@jest/globals';
import { type CallingChannel, PeerRefusedError, type ReceivingChannel } from './credentials.js';
import { SealedCredentials } from './sealed-credentials.js';

const secret = 'what all members of the group know';
const s1 = new SealedCredentials('s1', secret);
const s2 = new SealedCredentials('s2', secret);
const anybody = (): boolean => true;

describe('an introduction with a secret', () => {
  it('tells the receiver who calls', async () => {
    expect((await introduce()).caller).toBe('s1');
  });

  it.each<[string, SealedCredentials, SealedCredentials, string]>([
    ['another secret at the caller', new SealedCredentials('s1', 'another secret, just as long'), s2, 's2'],
    ['another member than it should be', s1, new SealedCredentials('s3', secret), 's2'],
    ['itself', s1, s1, 's2'],
  ])('fails with %s', async (_what, caller, receiver, to) => {
    const expected = receiver.expect(anybody);
    await expect(caller.introduce(to, async (text) => expected.step(text).answer)).rejects.toBeInstanceOf(
      PeerRefusedError,
    );
  });

  it('fails when the certificate is of another name', async () => {
    const expected = s2.expect((name) => name === 's3');
    await expect(s1.introduce('s2', async (text) => expected.step(text).answer)).rejects.toThrow('of another name');
  });

  it('fails with any character changed, of what either end says', async () => {
    // hello, welcome, proof, ready
    for (const step of [0, 1, 2, 3]) {
      const length = (await transcript())[step]?.length ?? 0;
      expect(length).toBeGreaterThan(40);
      for (let place = 0; place < length; place++) {
        await expect(
          transcript((text, index) => (index === step ? changed(text, place) : text)),
        ).rejects.toBeInstanceOf(PeerRefusedError);
      }
    }
  });

  it('cannot be repeated from a recording', async () => {
    const [hello = '', , proof = ''] = await transcript();
    const expected = s2.expect(anybody);
    expect(expected.step(hello).introduced).toBeUndefined();
    expect(() => expected.step(proof)).toThrow('repeats what s1 said on another connection');
  });

  it('cannot be turned around: what one member says is no introduction of another', async () => {
    const [hello = ''] = await transcript();
    expect(() => s1.expect(anybody).step(hello)).toThrow(PeerRefusedError);
    expect(() => s1.expect(anybody).step(hello.replace('s1.s2', 's2.s1'))).toThrow(PeerRefusedError);
  });

  it.each(['', '.', 'hello1', 'open1.s1.s2', 'hello1.s1.s2.short.short', `hello1.${'.'.repeat(500)}`, 'welcome1.x.y'])(
    'does not begin with "%s"',
    (text) => expect(() => s2.expect(anybody).step(text)).toThrow(PeerRefusedError),
  );
});

describe('a sealed channel', () => {
  let calling: CallingChannel;
  let receiving: ReceivingChannel;
  beforeEach(async () => {
    ({ calling, receiving } = await introduce());
  });

  it.each(['', 'text', '{"a":"ž 🐎 \\n"}', '0.1.2', 'x'.repeat(100_000)])('carries a call and its answer', (text) => {
    const call = calling.seal(text);
    const received = receiving.open(call.text);
    expect(received.text).toBe(text);
    expect(call.open(received.seal(`answer to ${text}`))).toBe(`answer to ${text}`);
  });

  it('takes calls in any order, each once', () => {
    const calls = Array.from({ length: 100 }, (_, index) => calling.seal(`call ${index}`).text);
    const shuffled = calls.map((_, index) => calls[(index * 37) % 100] ?? '');
    expect(new Set(shuffled.map((call) => receiving.open(call).text)).size).toBe(100);
    for (const call of calls) expect(() => receiving.open(call)).toThrow('a second time');
  });

  it('refuses a call and an answer with any character changed, left out or added', () => {
    const call = calling.seal('call');
    for (let place = 0; place < call.text.length; place++) {
      expect(() => receiving.open(changed(call.text, place))).toThrow(PeerRefusedError);
      expect(() => receiving.open(call.text.slice(0, place))).toThrow(PeerRefusedError);
    }
    expect(() => receiving.open(`${call.text}x`)).toThrow(PeerRefusedError);
    const answer = receiving.open(call.text).seal('answer');
    for (let place = 0; place < answer.length; place++)
      expect(() => call.open(changed(answer, place))).toThrow(PeerRefusedError);
    expect(call.open(answer)).toBe('answer');
  });

  it('refuses the answer to another call', () => {
    const [first, second] = [calling.seal('first'), calling.seal('second')];
    const answer = receiving.open(first.text).seal('answer to the first');
    expect(() => second.open(answer)).toThrow('belongs to another call');
  });

  it('takes no call for an answer and no answer for a call', () => {
    const call = calling.seal('text');
    expect(() => call.open(call.text)).toThrow(PeerRefusedError);
    const answer = receiving.open(call.text).seal('text');
    expect(() => receiving.open(answer)).toThrow(PeerRefusedError);
  });

  it('takes nothing of another channel between the same members', async () => {
    const other = await introduce();
    expect(() => other.receiving.open(calling.seal('text').text)).toThrow(PeerRefusedError);
  });
});

async function introduce(): Promise<{ calling: CallingChannel; receiving: ReceivingChannel; caller: string }> {
  const expected = s2.expect(anybody);
  let introduced: { readonly caller: string; readonly channel: ReceivingChannel } | undefined;
  const calling = await s1.introduce('s2', async (text) => {
    const step = expected.step(text);
    introduced = step.introduced;
    return step.answer;
  });
  if (!introduced) throw new Error('the receiver does not know who calls');
  return { calling, receiving: introduced.channel, caller: introduced.caller };
}

/** What both say, in order; `tamper` may change it on its way. */
async function transcript(tamper = (text: string, _index: number): string => text): Promise<string[]> {
  const said: string[] = [];
  const passOn = (text: string): string => {
    said.push(text);
    return tamper(text, said.length - 1);
  };
  const expected = s2.expect(anybody);
  await s1.introduce('s2', async (text) => passOn(expected.step(passOn(text)).answer));
  return said;
}

function changed(text: string, place: number): string {
  const other = text[place] === 'A' ? 'B' : 'A';
  return text.slice(0, place) + other + text.slice(place + 1);
}
