import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, PeerCertificate, SecureContextOptions, TlsOptions } from 'node:tls';
import { certificateIsFor } from './certificate-is-for.js';
import type { ReplicationWireOptions } from './wire.options.js';

type Tls = NonNullable<ReplicationWireOptions['tls']>;

/** TLS 1.3 is what two members speak; 1.2 is the least. */
export function secureContextOf({ ca, cert, key }: Tls): SecureContextOptions {
  return { ca, cert, key, minVersion: 'TLSv1.2' };
}

export function receivingTls(tls: Tls): TlsOptions {
  return { ...secureContextOf(tls), requestCert: true, rejectUnauthorized: true };
}

/** @param member name of the member that is called; where it is reached does not matter */
export function callingTls(tls: Tls, member: string): ConnectionOptions {
  return {
    ...secureContextOf(tls),
    rejectUnauthorized: true,
    servername: member,
    checkServerIdentity: (_host, certificate) => wrongCertificate(certificate, member),
  };
}

export function wrongCertificate(certificate: PeerCertificate, member: string): Error | undefined {
  return certificateIsFor(new X509Certificate(certificate.raw), member)
    ? undefined
    : new Error(`its certificate is not for ${member}`);
}
