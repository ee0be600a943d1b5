import { SessionBootError } from './session-boot.error.js';

/** Boot: an option that cannot work. Names the option, the value given and what is allowed. */
export class SessionConfigurationError extends SessionBootError {
  override readonly code = 'SESSION_CONFIGURATION_INVALID';
}
