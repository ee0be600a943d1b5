import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';

/**
 * Keys of one connection: see `SealedCredentials`. They are key objects because Node makes one of a buffer at each use,
 * which costs 10 µs of the 12 that a MAC takes then (Node 24).
 */
export interface ChannelKeys {
  readonly id: string;
  readonly proof: KeyObject;
  readonly calls: KeyObject;
  readonly answers: KeyObject;
}

/** The key of introductions, before there are nonces of both ends. */
export function introductionKey(secret: string): KeyObject {
  const bytes = hkdfSync('sha256', secret, '', 'nestjs-session-beans replication 1 introduction', 32);
  return createSecretKey(Buffer.from(bytes));
}

/** @param nonces of the caller, then of the receiver */
export function channelKeys(secret: string, from: string, to: string, nonces: readonly [string, string]): ChannelKeys {
  const info = `nestjs-session-beans replication 1 channel ${from} ${to}`;
  const bytes = Buffer.from(hkdfSync('sha256', secret, nonces.join('.'), info, 112));
  return {
    id: bytes.toString('base64url', 0, 16),
    proof: createSecretKey(bytes.subarray(16, 48)),
    calls: createSecretKey(bytes.subarray(48, 80)),
    answers: createSecretKey(bytes.subarray(80, 112)),
  };
}

/** 43 characters. No field but the last may contain dots. */
export function mac(key: KeyObject, ...fields: readonly string[]): string {
  return createHmac('sha256', key).update(fields.join('.')).digest('base64url');
}

/** Takes the same time wherever the texts differ. */
export function isSameMac(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
