import { createSecureContext } from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import { secureContextOf, wrongCertificate } from '../wire/mutual-tls.js';
import type { ReplicationWireOptions } from '../wire/wire.options.js';

/** @param member name of the member that is called: what its certificate has to say */
export function callingCredentials(tls: ReplicationWireOptions['tls'], member: string): ChannelCredentials {
  if (!tls) return ChannelCredentials.createInsecure();
  return ChannelCredentials.createFromSecureContext(createSecureContext(secureContextOf(tls)), {
    checkServerIdentity: (_host, certificate) => wrongCertificate(certificate, member),
    rejectUnauthorized: true,
  });
}
