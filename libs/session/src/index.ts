// The module
export { SessionModule } from './module/session.module.js';
export type { PrincipalLimitOptions, SessionModuleOptions, SessionOptionsFactory } from './module/session.options.js';
export type { NearCacheOptions } from './module/near-cache.options.js';
export type { AdmissionOptions } from './http/admission/session-admission.js';
export type { ClearSiteDataDirective, ClearSiteDataOptions } from './http/response/clear-site-data.js';
export { SESSION_CLOCK, SESSION_MODULE_OPTIONS, SESSION_STORE } from './module/session.providers.js';
export type { SessionMigration } from './http/id/session-migration.js';
export type { FormerContent, FormerSession, MigrationTarget, MoveContent } from './request/former-session.js';
export type { SessionCookieOptions } from './http/id/session-cookie.options.js';

// Beans
export { SessionScoped } from './bean/session-scoped.decorator.js';
export { Merge } from './bean/merge.decorator.js';
export { Restore } from './bean/restore.decorator.js';
export { Transient } from './bean/transient.decorator.js';
export type { MergeRule, MergeSides } from './merge/merge-rule.js';
export type { BeanMigrations, PlainState, SessionScopedOptions } from './bean/bean-definition.js';
export type { BeforeBeanSaved, OnBeanCreated, OnBeanDestroyed, OnBeanRestored } from './bean/bean-life-cycle.js';

// Requests
export {
  type AttributeOf,
  type CreateValue,
  type GetOrCreateOptions,
  HttpSession,
  type SessionAttributes,
  type SessionTimeouts,
} from './request/http-session.js';
export type { SessionHandle } from './store/session-handle.js';
export { type RequestHeaders, SessionContext, type SessionSource } from './sessions/session-context.js';
export { type SessionInfo, type SessionPage, SessionRegistry } from './sessions/session-registry.js';
export type { SessionLabels } from './request/session-labels.js';
export {
  CurrentSession,
  ReadOnlySession,
  RequireLogin,
  SessionLock,
  SkipSession,
  UseSession,
} from './http/handlers/session.decorators.js';
export { type SessionEventMap, SessionEvents, type SessionRef } from './request/session-events.js';

// Stores
export { MemorySessionStore } from './store/memory/memory-session-store.js';
export type { MemorySessionStoreOptions } from './store/memory/memory-session-store.options.js';
export type { SessionStore } from './store/session-store.js';

// Operators
export { SessionDoctor, type SessionExamination } from './module/session-doctor.js';
export type { SessionRisk } from './store/session-risk.js';

// Errors
export { LoginRequiredError } from './errors/login-required.error.js';
export { SessionError } from './errors/session.error.js';
export { SessionAmbiguousError } from './errors/session-ambiguous.error.js';
export { SessionBeanError } from './errors/session-bean.error.js';
export { SessionBusyError } from './errors/session-busy.error.js';
export { SessionConfigurationError } from './errors/session-configuration.error.js';
export { type SessionConflict, SessionConflictError } from './errors/session-conflict.error.js';
export { SessionContextNotActiveError } from './errors/session-context-not-active.error.js';
export { type SessionEndReason, SessionEndedError } from './errors/session-ended.error.js';
export { SessionLimitError } from './errors/session-limit.error.js';
export { SessionNotAdmittedError } from './errors/session-not-admitted.error.js';
export { SessionResponseCommittedError } from './errors/session-response-committed.error.js';
export { SessionStateError } from './errors/session-state.error.js';
export { UnexpectedSessionError } from './errors/unexpected-session.error.js';
export { SessionStoreError, type SessionStoreFailure } from './errors/session-store.error.js';
