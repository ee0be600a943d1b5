import type { CallingChannel } from '../wire/credentials.js';
import { PeerRefusedError } from '../wire/peer-refused.error.js';
import type { ChannelKeys } from './channel-keys.js';
import { openText, type Seal, sealText } from './sealed-text.js';

/** The calling end of a connection after its introduction. */
export class SealedCalling implements CallingChannel {
  private readonly calls: Seal;
  private readonly answers: Seal;
  private next = 0;

  constructor(from: string, to: string, { id, calls, answers }: ChannelKeys) {
    this.calls = { key: calls, context: `call.${from}.${to}.${id}` };
    this.answers = { key: answers, context: `answer.${from}.${to}.${id}` };
  }

  seal(text: string): { readonly text: string; readonly open: (answer: string) => string } {
    const sequence = this.next++;
    return {
      text: sealText(this.calls, sequence, text),
      open: (answer) => {
        const opened = openText(this.answers, answer);
        if (opened.sequence !== sequence)
          throw new PeerRefusedError('an answer on the connection belongs to another call');
        return opened.text;
      },
    };
  }
}
