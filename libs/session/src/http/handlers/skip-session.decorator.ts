import { SetMetadata } from '@nestjs/common';
import { USES_SESSION } from './session-metadata.js';

/**
 * Loads no session for a handler, or for a controller, although its dependencies lead to session-scoped beans: the handler does not depend on the
 * store being up and costs no round trip. Touching a bean in it throws `SessionContextNotActiveError`.
 *
 * Has no say over request-scoped beans (`forFeature` with `Scope.REQUEST`): Nest builds the controller, and them, before it looks at the handler.
 */
export const SkipSession = (): ClassDecorator & MethodDecorator => SetMetadata(USES_SESSION, false);
