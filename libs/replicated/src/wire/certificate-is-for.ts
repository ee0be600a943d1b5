import type { X509Certificate } from 'node:crypto';

/** Whether it has the member's name as DNS name; without any DNS name, as common name. Wildcards name nobody. */
export function certificateIsFor(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'default', wildcards: false }) !== undefined;
}
