/**
 * `nestjs-session-beans/store-kit`: for whoever writes a store. Applications need none of it.
 *
 * A store implements {@link SessionStore}, whose doc comments are the rules, and proves it with the suite of
 * `nestjs-session-beans/testing`. `docs/stores/writing-a-store.md` is the guide. `nestjs-session-beans-replicated` is a
 * store that is made of this subpath alone.
 *
 * @module
 */

// The contract: what a store is asked, and what it answers
export type {
  LoadOptions,
  LoadResult,
  SaveResult,
  SessionLocation,
  SessionStore,
  SessionStoreCapabilities,
  SessionWatch,
} from './session-store.js';
export { isPromise, type MaybePromise } from './maybe-promise.js';
export type { PartChange, SessionChange } from './session-change.js';
export type { SessionRecord, SessionTimes, StoredPart } from './session-record.js';
export type { SessionLifetime } from './session-lifetime.js';

// Time: the end of a session's life, and the clock that tests can move
export { sessionExpiry } from './session-expiry.js';
export { type Clock, systemClock } from './clock.js';

// Keys: how a store names a session, and how logs do
export type { SessionKey } from './session-key.js';
export { isSessionId, sessionHash, sessionKeyOf } from './session-id.js';

// Errors that a store throws
export { SessionConfigurationError } from '../errors/session-configuration.error.js';
export { SessionStoreError } from '../errors/session-store.error.js';

// Options of a store: their checks, and the defaults beside their texts
export { type Completed, OptionChecks, type WholeNumbers } from '../errors/option-checks.js';

// For stores that keep sessions in this process
export { BoundedTable, type TableBounds, type TableEntry } from './heap/bounded-table.js';
export { changeParts } from './heap/change-parts.js';
export { ExpiryWheel, type WheelEntry } from './heap/expiry-wheel.js';
export { type PackedParts, packParts, unpackParts } from './heap/packed-parts.js';
export { sessionBytes } from './heap/session-bytes.js';
export { SharedLifetime } from './heap/shared-lifetime.js';
export { ShortLivedMap } from './short-lived-map.js';
