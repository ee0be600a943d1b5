import type { AnswerReplicationCall } from '../replication-transport.js';
import type { ExpectedIntroduction, ReceivingChannel } from './credentials.js';

/** The receiving end of one connection: first finds out who calls, then has the calls answered. */
export class Reception {
  private introduced: { readonly caller: string; readonly channel: ReceivingChannel } | undefined;

  /** @param onIntroduced told once, when the caller has proved who it is */
  constructor(
    private readonly expected: ExpectedIntroduction,
    private readonly answer: AnswerReplicationCall,
    private readonly onIntroduced: () => void,
  ) {}

  get isIntroduced(): boolean {
    return this.introduced !== undefined;
  }

  /** @throws PeerRefusedError: close the connection, answer nothing */
  async receive(text: string): Promise<string> {
    if (this.introduced) {
      const { caller, channel } = this.introduced;
      const call = channel.open(text);
      return call.seal(await this.answer(caller, call.text));
    }
    const { answer, introduced } = this.expected.step(text);
    this.introduced = introduced;
    if (introduced) this.onIntroduced();
    return answer;
  }
}
