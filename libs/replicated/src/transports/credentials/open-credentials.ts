import { type CallingChannel, type Credentials, type ExpectedIntroduction, PeerRefusedError } from './credentials.js';
import { isMemberName } from '../../members/replication-member.js';

const HELLO = 'open1';

/**
 * The credentials without a secret. The caller says its own name and the name of the member it wants,
 * `open1.<from>.<to>`, and the certificates, if there are any, have to agree. Texts travel as they are; only TLS
 * protects them, or nothing does on loopback.
 */
export class OpenCredentials implements Credentials {
  constructor(private readonly nodeName: string) {}

  async introduce(to: string, exchange: (text: string) => Promise<string>): Promise<CallingChannel> {
    const answer = await exchange(`${HELLO}.${this.nodeName}.${to}`);
    if (answer !== HELLO) throw new PeerRefusedError('it answered something else than a member of this group would');
    return { seal: (text) => ({ text, open: (sealed) => sealed }) };
  }

  expect(isCertified: (name: string) => boolean): ExpectedIntroduction {
    return {
      step: (text) => {
        const [kind, caller, to, ...others] = text.split('.');
        if (kind !== HELLO || !isMemberName(caller) || others.length > 0)
          throw new PeerRefusedError('it does not say who it is the way members without a secret do');
        if (to !== this.nodeName)
          throw new PeerRefusedError(`${caller} looks for another member than this one, ${this.nodeName}`);
        if (!isCertified(caller))
          throw new PeerRefusedError(`it says it is ${caller}, but its certificate is of another name`);
        return {
          answer: HELLO,
          introduced: { caller, channel: { open: (sealed) => ({ text: sealed, seal: (it) => it }) } },
        };
      },
    };
  }
}
