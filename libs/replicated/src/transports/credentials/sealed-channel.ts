import type { KeyObject } from 'node:crypto';
import { type CallingChannel, PeerRefusedError, type ReceivingChannel } from './credentials.js';
import { type ChannelKeys, isSameMac, mac } from './channel-keys.js';

/** A text is sealed with this, besides its sequence number and itself. */
export interface Seal {
  readonly key: KeyObject;
  /** Kind, caller, receiver, channel. */
  readonly context: string;
}

export function sealText({ key, context }: Seal, sequence: number, text: string): string {
  const written = sequence.toString(36);
  return `${written}.${mac(key, context, written, text)}.${text}`;
}

/** @throws PeerRefusedError when it is not authentic */
export function openText({ key, context }: Seal, sealed: string): { readonly sequence: number; readonly text: string } {
  const [, written = '', given = ''] = /^([0-9a-z]{1,11})\.([\w-]{43})\./.exec(sealed) ?? [];
  const text = sealed.slice(written.length + given.length + 2);
  if (!isSameMac(given, mac(key, context, written, text)))
    throw new PeerRefusedError(
      'a text on the connection is not authentic: it was made or changed by somebody without the secret',
    );
  return { sequence: parseInt(written, 36), text };
}

/** A text may fall behind the newest one by this many sequence numbers. */
const SIZE = 1_024;

/**
 * Lets each sequence number pass once. Numbers may come in any order, as long as they are not older than the window is
 * wide.
 */
export class ReplayWindow {
  /** The last number that was let through at each place of the ring. */
  private readonly seen = new Float64Array(SIZE).fill(-1);
  private newest = -1;

  /** Call it only for authentic texts. @returns whether the number is new */
  admit(sequence: number): boolean {
    if (sequence <= this.newest - SIZE) return false;
    const place = sequence % SIZE;
    if (this.seen[place] === sequence) return false;
    this.seen[place] = sequence;
    this.newest = Math.max(this.newest, sequence);
    return true;
  }
}

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
