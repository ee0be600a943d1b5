import { isIP } from 'node:net';
import type { Environment } from './environment.js';

/** Proxies that are believed when they say how a client reached them: none, all, or those of these addresses. */
export type TrustedProxies = boolean | string;

const NAMED = ['loopback', 'linklocal', 'uniquelocal'];

/** @throws Error naming the variable, its value and what is allowed */
export function readTrustedProxies(env: Environment): TrustedProxies {
  const text = env.text('TRUST_PROXY') ?? 'off';
  if (text === 'on' || text === 'off') return text === 'on';
  if (text.split(',').every((one) => isAddress(one.trim()))) return text;
  throw new Error(`TRUST_PROXY=${text} must be on, off, or addresses like loopback,10.0.0.0/8`);
}

/** An address, one with the length of a prefix behind it, or a name for several, as Express and Fastify know them. */
function isAddress(text: string): boolean {
  const [address = '', prefix] = text.split('/');
  if (NAMED.includes(text)) return true;
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  return bits > 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
}
