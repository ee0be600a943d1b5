import { isIP } from 'node:net';
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Logger } from '@nestjs/common';
import { SessionConfigurationError } from 'nestjs-session-beans/store-kit';
import type { Credentials } from '../credentials/credentials.js';
import { OpenCredentials } from '../credentials/open-credentials.js';
import { SealedCredentials } from '../credentials/sealed-credentials.js';
import { certificateIsFor, type MutualTls } from './mutual-tls.js';
import { isMemberName } from '../../members/replication-member.js';

/** Options of the transports that come with the store. */
export interface ReplicationWireOptions {
  /** Name of this member, 1 to 32 letters and digits; its certificate, if there is one, has it as DNS name. */
  readonly nodeName: string;

  /** Where this member receives. Beyond loopback `tls` or `secret` is required. */
  readonly listen: { readonly host: string; readonly port: number };

  /**
   * Mutual TLS, PEM texts: both ends show a certificate that `ca` has signed and that has the member's name as DNS name. `cert` must be good for
   * servers and for clients (extended key usage, if it has any).
   */
  readonly tls?: MutualTls;

  /**
   * At least 16 bytes, the same on every member: both ends prove that they know it, and every text is authenticated with keys made of it. Does
   * not encrypt: without `tls`, who can listen to the network reads the sessions.
   */
  readonly secret?: string;

  /** A message above this is not sent, and the connection that one arrives on is closed. In bytes; default 8 MiB. */
  readonly maxMessageBytes?: number;

  /** Told who was turned away and why, the same at most once a minute. Default: Nest's logger. */
  readonly onWarning?: (warning: string) => void;
}

/** Whether only this machine can reach the host. A name counts only if it means loopback by its own definition (RFC 6761). */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 4) return bare.startsWith('127.');
  if (isIP(bare) === 6) return bare === '::1' || bare.startsWith('::ffff:127.');
  return bare === 'localhost' || bare.endsWith('.localhost');
}

export interface ResolvedWireOptions {
  readonly nodeName: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: ReplicationWireOptions['tls'];
  readonly secret: string | undefined;

  /** How the ends of a connection prove who they are, with the secret or without one. */
  readonly credentials: Credentials;
  readonly maxMessageBytes: number;
  readonly onWarning: (warning: string) => void;
}

/**
 * @param transport name of the class whose options they are
 * @throws SessionConfigurationError: one line naming option and what is allowed
 */
export function resolveWireOptions(transport: string, options: ReplicationWireOptions): ResolvedWireOptions {
  const { nodeName, listen, tls, secret, maxMessageBytes = 8 * 1024 * 1024, onWarning, ...others } = options;
  const refused = (name: string, allowed: string): SessionConfigurationError =>
    new SessionConfigurationError(`${transport} option ${name}: ${allowed}`);

  const [unknown] = Object.keys(others);
  if (unknown) throw refused(unknown, 'no such option');
  if (!isMemberName(nodeName)) throw refused('nodeName', 'allowed are 1 to 32 letters and digits');
  if (typeof listen?.host !== 'string' || listen.host === '')
    throw refused('listen.host', 'allowed is a host or address');
  if (!Number.isInteger(listen.port) || listen.port < 1 || listen.port > 65_535)
    throw refused('listen.port', 'allowed is a whole number from 1 to 65535');
  if (secret !== undefined && (typeof secret !== 'string' || Buffer.byteLength(secret) < 16))
    throw refused('secret', 'allowed is a text of at least 16 bytes, e.g. of `openssl rand -base64 32`');
  if (!Number.isSafeInteger(maxMessageBytes) || maxMessageBytes < 65_536 || maxMessageBytes > 256 * 1024 * 1024)
    throw refused('maxMessageBytes', 'allowed is a whole number of bytes from 65536 to 268435456');
  if (!tls && secret === undefined && !isLoopback(listen.host))
    throw refused(
      'listen.host',
      `"${listen.host}" is not loopback: give tls (mutual TLS) or a secret, else anybody who reaches the port reads and writes sessions`,
    );
  if (tls) {
    for (const part of ['ca', 'cert', 'key'] as const)
      if (typeof tls[part] !== 'string') throw refused(`tls.${part}`, 'allowed is a PEM text');
    try {
      createSecureContext(tls);
    } catch (error) {
      throw refused('tls', `ca, cert and key cannot be used together: ${(error as Error).message}`);
    }
    if (!certificateIsFor(new X509Certificate(tls.cert), nodeName))
      throw refused(
        'tls.cert',
        `the certificate is not for "${nodeName}": give it that DNS name (subjectAltName = DNS:${nodeName})`,
      );
  }
  return {
    nodeName,
    listen,
    tls,
    secret,
    credentials: secret === undefined ? new OpenCredentials(nodeName) : new SealedCredentials(nodeName, secret),
    maxMessageBytes,
    onWarning: onWarning ?? ((it) => new Logger(transport).warn(it)),
  };
}
