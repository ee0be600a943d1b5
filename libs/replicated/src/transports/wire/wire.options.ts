import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Logger } from '@nestjs/common';
import { type Completed, OptionChecks, isLoopback } from 'nestjs-session-beans/store-kit';
import { MEMBER_NAME } from '../../members/replication-member.js';
import type { Credentials } from '../credentials/credentials.js';
import { OpenCredentials } from '../credentials/open-credentials.js';
import { SealedCredentials } from '../credentials/sealed-credentials.js';
import { certificateIsFor, type MutualTls } from './mutual-tls.js';

/** Stands in place of a default. */
const REQUIRED = undefined as never;

/**
 * The options of the transports that come with the store. An option that is left out has the default written here;
 * `nodeName` and `listen` have none.
 */
export class ReplicationWireOptions {
  /** Name of this member, 1 to 32 letters and digits. Its certificate, if there is one, has it as DNS name. */
  readonly nodeName: string = REQUIRED;

  /** Where this member receives. Beyond loopback `tls` or `secret` is required. */
  readonly listen: { readonly host: string; readonly port: number } = REQUIRED;

  /**
   * Mutual TLS, as PEM texts: both ends show a certificate that `ca` has signed and that has the member's name as DNS
   * name. `cert` must be good for servers and for clients (extended key usage, if it has any).
   */
  readonly tls?: MutualTls | undefined = undefined;

  /**
   * At least 16 bytes, the same on every member: both ends prove that they know it, and every text is authenticated
   * with keys made of it. It does not encrypt: without `tls`, anybody who can listen to the network reads the sessions.
   */
  readonly secret?: string | undefined = undefined;

  /**
   * The largest message, in bytes. A larger one is not sent, and a connection on which one arrives is closed. 65,536 to
   * 268,435,456.
   */
  readonly maxMessageBytes?: number | undefined = 8 * 1024 * 1024;

  /**
   * Is called for each caller that was turned away, the same at most once a minute. Left out, it goes to Nest's logger.
   */
  readonly onWarning?: ((warning: string) => void) | undefined = undefined;
}

type WithoutDefault = 'tls' | 'secret' | 'onWarning';

export interface ResolvedWireOptions extends Completed<ReplicationWireOptions, WithoutDefault> {
  readonly onWarning: (warning: string) => void;

  /** How the ends of a connection prove who they are, with the secret or without one. */
  readonly credentials: Credentials;
}

/**
 * Fills in the defaults.
 * @param transport name of the class whose options they are
 * @throws SessionConfigurationError when an option cannot work
 */
export function resolveWireOptions(transport: string, given: ReplicationWireOptions): ResolvedWireOptions {
  const checks = new OptionChecks(transport);
  const options = checks.complete<ReplicationWireOptions, WithoutDefault>(given, new ReplicationWireOptions());
  const { nodeName, listen, tls, secret, maxMessageBytes, onWarning } = options;
  checks.text('nodeName', nodeName, MEMBER_NAME, '1 to 32 letters and digits');
  checks.text('listen.host', listen?.host, /./, 'a host or an address');
  checks.wholeNumber('listen.port', listen.port, { least: 1, most: 65_535 });
  if (secret !== undefined && (typeof secret !== 'string' || Buffer.byteLength(secret) < 16))
    throw checks.secretRefusal('secret', secret, 'a text of at least 16 bytes, e.g. of `openssl rand -base64 32`');
  checks.wholeNumber('maxMessageBytes', maxMessageBytes, { least: 65_536, most: 256 * 1024 * 1024, unit: 'bytes' });
  if (onWarning !== undefined) checks.callback('onWarning', onWarning);
  if (!tls && secret === undefined && !isLoopback(listen.host))
    throw checks.refusal(
      'listen.host',
      listen.host,
      'loopback only, unless tls (mutual TLS) or a secret is given: ' +
        'else anybody who reaches the port reads and writes sessions',
    );
  if (tls) checkTls(checks, nodeName, tls);
  return {
    ...options,
    credentials: secret === undefined ? new OpenCredentials(nodeName) : new SealedCredentials(nodeName, secret),
    onWarning: onWarning ?? ((warning) => new Logger(transport).warn(warning)),
  };
}

function checkTls(checks: OptionChecks, nodeName: string, tls: MutualTls): void {
  for (const part of ['ca', 'cert', 'key'] as const)
    if (typeof tls[part] !== 'string') throw checks.secretRefusal(`tls.${part}`, tls[part], 'a PEM text');
  try {
    createSecureContext(tls);
  } catch (error) {
    throw checks.refusal('tls', tls, `ca, cert and key that belong together: ${(error as Error).message}`);
  }
  if (!certificateIsFor(new X509Certificate(tls.cert), nodeName))
    throw checks.secretRefusal(
      'tls.cert',
      tls.cert,
      `a certificate with the DNS name "${nodeName}" (subjectAltName = DNS:${nodeName})`,
    );
}
