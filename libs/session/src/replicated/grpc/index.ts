export { GrpcReplicationTransport } from '../../store/replicated/grpc/grpc-replication-transport.js';
export type { ReplicationWireOptions } from '../../store/replicated/wire/wire.options.js';
