import { type KeyObject, randomBytes } from 'node:crypto';
import {
  type CallingChannel,
  type Credentials,
  type ExpectedIntroduction,
  type IntroductionStep,
  PeerRefusedError,
} from './credentials.js';
import { isMemberName } from '../../members/replication-member.js';
import { type ChannelKeys, channelKeys, introductionKey, isSameMac, mac } from './channel-keys.js';
import { SealedCalling, SealedReceiving } from './sealed-channel.js';

interface Expected {
  readonly from: string;
  readonly keys: ChannelKeys;
}

/**
 * Authentication by a shared secret, for any wire that carries texts and answers.
 *
 * Each connection starts with an introduction. `M(key, ...)` is HMAC-SHA256 in base64url over the fields joined with
 * dots. Nonces are 32 random bytes in base64url. `I` and `K` are keys that HKDF-SHA256 makes of the secret, `K` with
 * both nonces as salt and both names as info.
 *
 *     caller    hello1.<from>.<to>.<caller's nonce>.<M(I, hello, from, to, caller's nonce)>
 *     receiver  welcome1.<receiver's nonce>.<M(I, welcome, from, to, caller's nonce, receiver's nonce)>
 *     caller    proof1.<M(K.proof, proof, from, to)>
 *     receiver  ready1.<M(K.proof, ready, from, to)>
 *
 * Then calls and answers follow, in any order:
 *
 *     caller    <sequence>.<M(K.calls, call, from, to, channel, sequence, text)>.<text>
 *     receiver  <sequence of the call>.<M(K.answers, answer, from, to, channel, sequence, text)>.<text>
 *
 * - Both ends add a nonce, so every connection has keys of its own. A recording of one connection is worth nothing on
 *   another, nor after a restart.
 * - The hello is authentic already: a caller without the secret gets no answer at all. A recorded hello can be sent
 *   again and gets a welcome, which says nothing; the proof cannot be given.
 * - Calls and answers have different keys and kinds: none can be sent back as the other. Sequence numbers count up. The
 *   receiver lets each pass once (`ReplayWindow`); the caller takes an answer only for its own call.
 * - A text that does not verify ends the connection, without an answer. State is kept per connection and dies with it:
 *   a forged introduction takes nothing from a good one.
 * - Nothing is encrypted.
 */
export class SealedCredentials implements Credentials {
  private readonly key: KeyObject;

  constructor(
    private readonly nodeName: string,
    private readonly secret: string,
  ) {
    this.key = introductionKey(secret);
  }

  async introduce(to: string, exchange: (text: string) => Promise<string>): Promise<CallingChannel> {
    const from = this.nodeName;
    const nonce = newNonce();
    const hello = mac(this.key, 'hello', from, to, nonce);
    const [kind, theirs = '', welcome = ''] = (await exchange(`hello1.${from}.${to}.${nonce}.${hello}`)).split('.');
    if (kind !== 'welcome1' || !isSameMac(welcome, mac(this.key, 'welcome', from, to, nonce, theirs)))
      throw new PeerRefusedError('its welcome was not made with the same secret');

    const keys = channelKeys(this.secret, from, to, [nonce, theirs]);
    const ready = await exchange(`proof1.${mac(keys.proof, 'proof', from, to)}`);
    if (!isSameMac(ready, `ready1.${mac(keys.proof, 'ready', from, to)}`))
      throw new PeerRefusedError('it did not prove that it knows the secret');
    return new SealedCalling(from, to, keys);
  }

  expect(isCertified: (name: string) => boolean): ExpectedIntroduction {
    let expected: Expected | undefined;
    return {
      step: (text) => {
        if (expected) return this.afterProof(text, expected);
        const [answer, next] = this.afterHello(text, isCertified);
        expected = next;
        return { answer };
      },
    };
  }

  private afterHello(text: string, isCertified: (name: string) => boolean): [answer: string, Expected] {
    const [kind, from, to, nonce = '', hello = '', ...others] = text.split('.');
    if (
      kind !== 'hello1' ||
      !isMemberName(from) ||
      !isMemberName(to) ||
      !/^[\w-]{43}$/.test(nonce) ||
      others.length > 0
    )
      throw new PeerRefusedError('it does not say who it is the way members with a secret do');
    if (!isSameMac(hello, mac(this.key, 'hello', from, to, nonce)))
      throw new PeerRefusedError(`it says it is ${from}, and does not know the secret`);
    if (to !== this.nodeName) throw new PeerRefusedError(`${from} looks for ${to}, and this is ${this.nodeName}`);
    if (!isCertified(from)) throw new PeerRefusedError(`it says it is ${from}, and its certificate is of another name`);

    const mine = newNonce();
    const welcome = mac(this.key, 'welcome', from, to, nonce, mine);
    return [`welcome1.${mine}.${welcome}`, { from, keys: channelKeys(this.secret, from, to, [nonce, mine]) }];
  }

  private afterProof(text: string, { from, keys }: Expected): IntroductionStep {
    const to = this.nodeName;
    if (!isSameMac(text, `proof1.${mac(keys.proof, 'proof', from, to)}`))
      throw new PeerRefusedError(`it repeats what ${from} said on another connection`);
    const answer = `ready1.${mac(keys.proof, 'ready', from, to)}`;
    return { answer, introduced: { caller: from, channel: new SealedReceiving(from, to, keys) } };
  }
}

function newNonce(): string {
  return randomBytes(32).toString('base64url');
}
