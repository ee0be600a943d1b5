import { PeerRefusedError } from '../wire/peer-refused.error.js';
import { mac } from './channel-keys.js';
import { isSameMac } from './is-same-mac.js';

/** What a text is sealed with besides itself and its sequence number. */
export interface Seal {
  readonly key: Buffer;
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
