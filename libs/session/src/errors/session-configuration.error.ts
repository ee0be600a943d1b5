import { SessionError } from './session.error.js';

/** Boot: an option that cannot work. Names the option, the value given and what is allowed. */
export class SessionConfigurationError extends SessionError {
  override readonly code = 'SESSION_CONFIGURATION';
  override readonly status = 500;
}
