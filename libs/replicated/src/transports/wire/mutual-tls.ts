import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, PeerCertificate, SecureContextOptions, TlsOptions } from 'node:tls';

/**
 * Whether the certificate has the member's name as DNS name, or, without any DNS name, as common name. Wildcards count
 * for no member.
 */
export function certificateIsFor(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'default', wildcards: false }) !== undefined;
}

/** Certificate and key of a member, and the authority that all members trust, as PEM texts. */
export interface MutualTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Two members speak TLS 1.3; 1.2 is the least. */
export function secureContextOf({ ca, cert, key }: MutualTls): SecureContextOptions {
  return { ca, cert, key, minVersion: 'TLSv1.2' };
}

export function receivingTls(tls: MutualTls): TlsOptions {
  return { ...secureContextOf(tls), requestCert: true, rejectUnauthorized: true };
}

/** @param member name of the called member; the address at which it is reached does not matter */
export function callingTls(tls: MutualTls, member: string): ConnectionOptions {
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
