import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Logger } from '@nestjs/common';
import { SessionConfigurationError } from 'nestjs-session-beans/store-kit';
import { certificateIsFor } from './certificate-is-for.js';
import { isLoopback } from './is-loopback.js';
import { isMemberName } from './is-member-name.js';
import type { ReplicationWireOptions } from './wire.options.js';

export interface ResolvedWireOptions {
  readonly nodeName: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: ReplicationWireOptions['tls'];
  readonly secret: string | undefined;
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
    maxMessageBytes,
    onWarning: onWarning ?? ((it) => new Logger(transport).warn(it)),
  };
}
