// The store
export { ReplicatedSessionStore } from './replicated-session-store.js';
export type { ReplicatedSessionStoreOptions } from './options/replicated-session-store.options.js';
export type { ReplicationEvent } from './options/replication-events.js';
export type { ReplicationMember } from './members/replication-member.js';

// Transports
export { NestTcpReplicationTransport } from './transports/tcp/nest-tcp-replication-transport.js';
export type { ReplicationWireOptions } from './transports/wire/wire.options.js';
export {
  type AnswerReplicationCall,
  ReplicationCallError,
  type ReplicationTransport,
} from './transports/replication-transport.js';

// For tests with a clock of their own
export type { ReplicationTimers } from './options/replication-timers.js';
