import { SetMetadata } from '@nestjs/common';
import { USES_SESSION } from './session-metadata.js';

/**
 * Loads the session for a handler, or for all handlers of a controller, although nothing they depend on says so: for beans obtained through
 * `ModuleRef`, by passport strategies, or in code that Nest did not wire.
 */
export const UseSession = (): ClassDecorator & MethodDecorator => SetMetadata(USES_SESSION, true);
