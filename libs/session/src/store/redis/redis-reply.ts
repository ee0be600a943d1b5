import { isUtf8 } from 'node:buffer';
import { RecordCopy, type RecordHead, parseHead } from './record-lines.js';

/** An answer of the load or the save script. The codes of the scripts are in their headers. */
export type RedisReply =
  | { readonly code: 'none' }
  | { readonly code: 'superseded' }
  | { readonly code: 'unlocked' }
  /** Saved by this call, at this time of the server. */
  | { readonly code: 'saved'; readonly now: string; readonly hasChanged: true }
  | {
      readonly code: 'times';
      readonly head: RecordHead;
      readonly now: string;
      readonly expiresAt: number;
      readonly stamp: string;
      readonly hasChanged: boolean;
    }
  | {
      readonly code: 'record';
      readonly copy: RecordCopy;
      readonly now: string;
      readonly expiresAt: number;
      readonly hasChanged: boolean;
    }
  | { readonly code: 'too-large'; readonly bytes: number }
  | { readonly code: 'foreign' }
  | { readonly code: 'newer'; readonly format: string };

const LINE_FEED = '\n'.charCodeAt(0);

/** Reads an answer of the load or the save script. Only this file knows the shape of their answers. */
export function parseRedisReply(reply: Buffer): RedisReply {
  const end = reply.indexOf(LINE_FEED);
  const [code, one = '', now = '', two = '', three = ''] = reply
    .toString('latin1', 0, end === -1 ? reply.length : end)
    .split(' ');
  switch (code) {
    case '0':
      return { code: 'none' };
    case '1':
      return /^\d+$/.test(one) ? { code: 'saved', now: one, hasChanged: true } : { code: 'foreign' };
    case '2': {
      const copy = end === -1 ? undefined : copyOf(reply.subarray(end + 1), three === 'large');
      return copy
        ? { code: 'record', copy, now, expiresAt: Number(two), hasChanged: one === '1' }
        : { code: 'foreign' };
    }
    case '3':
      return { code: 'too-large', bytes: Number(one) };
    case '5':
      return { code: 'unlocked' };
    case '6':
      return { code: 'superseded' };
    case '7':
      return { code: 'newer', format: one };
    case '9': {
      const head = end === -1 ? undefined : parseHead(reply.toString('latin1', end + 1));
      return head
        ? { code: 'times', head, now, expiresAt: Number(two), stamp: three, hasChanged: one === '1' }
        : { code: 'foreign' };
    }
    default:
      return { code: 'foreign' };
  }
}

/**
 * The lines of a stored session.
 * @returns undefined for bytes that are no text: to write them back would change them
 */
export function copyOf(bytes: Buffer, isLarge = false): RecordCopy | undefined {
  return isUtf8(bytes) ? new RecordCopy(bytes.toString('utf8').split('\n'), isLarge) : undefined;
}

/**
 * The lines of a large session.
 * @returns undefined where the script would not answer with them: it is foreign, damaged or too large
 */
export function largeCopyOf(fields: Readonly<Record<string, Buffer>>, maxBytes: number): RecordCopy | undefined {
  const lines = [''];
  let bytes = 0;
  for (const [name, value] of Object.entries(fields)) {
    bytes += name.length + value.length + 2;
    if (!isUtf8(value) || value.includes(LINE_FEED)) return undefined;
    if (name === 'head') lines[0] = value.toString();
    else lines.push(`${name} ${value.toString()}`);
  }
  return bytes > maxBytes ? undefined : new RecordCopy(lines, true);
}
