/** On a handler or a controller class: `true` loads the session, `false` does not, whatever the dependencies say. */
export const USES_SESSION = Symbol('nestjs-session-beans:uses-session');

/** On a handler or a controller class: how long to wait for the session's lock, in ms. */
export const SESSION_LOCK = Symbol('nestjs-session-beans:session-lock');

/** On a handler or a controller class: it changes nothing of the session. */
export const READ_ONLY_SESSION = Symbol('nestjs-session-beans:read-only-session');
