// The store
export { ReplicatedSessionStore } from '../store/replicated/replicated-session-store.js';
export type {
  ReplicatedSessionStoreOptions,
  ReplicationEvent,
} from '../store/replicated/replicated-session-store.options.js';
export type { ReplicationMember } from '../store/replicated/replication-member.js';

// Transports
export { NestTcpReplicationTransport } from '../store/replicated/tcp/nest-tcp-replication-transport.js';
export type { ReplicationWireOptions } from '../store/replicated/wire/wire.options.js';
export type { AnswerReplicationCall, ReplicationTransport } from '../store/replicated/replication-transport.js';
export { ReplicationCallError } from '../store/replicated/replication-call.error.js';

// For tests of those who bring their own transport
export type { ReplicationTimers } from '../store/replicated/replication-timers.js';
