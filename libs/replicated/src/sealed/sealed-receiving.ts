import type { ReceivingChannel } from '../wire/credentials.js';
import { PeerRefusedError } from '../wire/peer-refused.error.js';
import type { ChannelKeys } from './channel-keys.js';
import { ReplayWindow } from './replay-window.js';
import { openText, type Seal, sealText } from './sealed-text.js';

/** The receiving end of a connection after its introduction. */
export class SealedReceiving implements ReceivingChannel {
  private readonly calls: Seal;
  private readonly answers: Seal;
  private readonly window = new ReplayWindow();

  constructor(
    private readonly from: string,
    to: string,
    { id, calls, answers }: ChannelKeys,
  ) {
    this.calls = { key: calls, context: `call.${from}.${to}.${id}` };
    this.answers = { key: answers, context: `answer.${from}.${to}.${id}` };
  }

  open(sealed: string): { readonly text: string; readonly seal: (answer: string) => string } {
    const { sequence, text } = openText(this.calls, sealed);
    if (!this.window.admit(sequence))
      throw new PeerRefusedError(`a call of ${this.from} came a second time, or far too late`);
    return { text, seal: (answer) => sealText(this.answers, sequence, answer) };
  }
}
