/**
 * `nestjs-session-beans/store-kit`: for authors of stores. Applications need none of it.
 *
 * A store implements {@link SessionStore}, whose doc comments are the rules, and proves it with the suite of
 * `nestjs-session-beans/testing`. `docs/stores/writing-a-store.md` is the guide. `nestjs-session-beans-replicated` is
 * made of this subpath alone.
 *
 * @module
 */

// The contract: the methods of a store, their arguments and answers
export type {
  DestroyResult,
  LoadOptions,
  LoadResult,
  LockResult,
  SaveResult,
  SessionLocation,
  SessionStore,
  SessionWatch,
  StoreLocks,
  ServerAnnouncement,
  ExpiredSession,
  StoreExpiries,
  StoreNotices,
  Superseded,
  TouchResult,
} from './session-store.js';
export type {
  ListedSession,
  PrincipalPage,
  PrincipalSessions,
  StoreEpoch,
  StorePrincipals,
} from './store-principals.js';
export { isPromise, type MaybePromise } from './maybe-promise.js';
export type { PartChange, SessionChange, SessionCreation, SessionRenewal, SessionUpdate } from './session-change.js';
export type { SessionIdentity, SessionLifetime, SessionRecord, SessionTimes, StoredPart } from './session-record.js';

// Time: the end of a session's life, and a clock that tests can move
export { savesOf, sessionExpiry, stampAfter } from './session-record.js';
export { type Clock, systemClock } from './clock.js';

// Names of sessions in stores and in logs, and what callers know of them
export {
  type ClientAccess,
  type SessionAccess,
  type SessionKey,
  accessOf,
  isSessionId,
  ownText,
  sessionHash,
} from './session-id.js';
export { type SessionHandle, sessionHandle } from './session-handle.js';

// Risky settings of a store, for operators
export { type SessionRisk, isLoopback, shortKeyRisk } from './session-risk.js';

// Errors that a store throws
export { SessionConfigurationError } from '../errors/session-configuration.error.js';
export { SessionStateError } from '../errors/session-state.error.js';
export { SessionStoreError, type SessionStoreFailure } from '../errors/session-store.error.js';

// Options of a store: their checks, and the defaults beside their texts
export { type Completed, OptionChecks, type WholeNumbers } from '../errors/option-checks.js';

// A store on any database that can replace a document if nobody else has replaced it
export {
  type DocumentLogin,
  type DocumentRead,
  type DocumentWrite,
  DocumentSessionStore,
} from './document/document-session-store.js';

// For stores that keep sessions in this process
export { BoundedTable, type TableBounds, type TableEntry } from './heap/bounded-table.js';
export { type EvictableEntry, EvictingTable, type SessionRank } from './heap/evicting-table.js';
export { changeParts } from './heap/change-parts.js';
export { ExpiryWheel, type WheelEntry } from './heap/expiry-wheel.js';
export {
  type AccessCheck,
  ANONYMOUS,
  type IdentityHistory,
  checkAccess,
  newHistory,
  renewedHistory,
} from './heap/identity-history.js';
export { type PackedParts, type PackedSession, packParts, recordOf, unpackParts } from './heap/packed-parts.js';
export { sessionBytes } from './heap/session-bytes.js';
export { PrincipalIndex } from './heap/principal-index.js';
export { pageOf } from './principal-page.js';
export { RecentKeys } from './heap/recent-keys.js';
export { SharedLifetime } from './shared-lifetime.js';
export { ShortLivedMap } from './short-lived-map.js';
