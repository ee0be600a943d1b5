export { ReplicatedSessionStore } from '../store/replicated/replicated-session-store.js';
export type {
  ReplicatedSessionStoreOptions,
  ReplicationEvent,
} from '../store/replicated/replicated-session-store.options.js';
export type { ReplicationMember } from '../store/replicated/replication-member.js';
export type { AnswerReplicationCall, ReplicationTransport } from '../store/replicated/replication-transport.js';
export { ReplicationCallError } from '../store/replicated/replication-call.error.js';
