/** On a handler or a controller class: `true` loads the session, `false` does not, whatever the dependencies say. */
export const USES_SESSION = Symbol('nestjs-session-beans:uses-session');
