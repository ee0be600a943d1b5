// The store
export { ReplicatedSessionStore } from './replicated-session-store.js';
export type { ReplicatedSessionStoreOptions, ReplicationEvent } from './replicated-session-store.options.js';
export type { ReplicationMember } from './replication-member.js';

// Transports
export { NestTcpReplicationTransport } from './tcp/nest-tcp-replication-transport.js';
export type { ReplicationWireOptions } from './wire/wire.options.js';
export type { AnswerReplicationCall, ReplicationTransport } from './replication-transport.js';
export { ReplicationCallError } from './replication-call.error.js';

// For tests of those who bring their own transport
export type { ReplicationTimers } from './replication-timers.js';
