export { GrpcReplicationTransport } from './grpc-replication-transport.js';
export type { ReplicationWireOptions } from '../wire/wire.options.js';
