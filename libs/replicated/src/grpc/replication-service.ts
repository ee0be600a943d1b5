/**
 * The gRPC service between members: one stream per connection, in which each message is a call or the answer to one.
 *
 *     <number of the call: 4, big endian> <text>
 */
export const replicationService = {
  exchange: {
    path: '/nestjs.session.beans.Replication/Exchange',
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const;

function asIs(message: Buffer): Buffer {
  return message;
}
