import { SetMetadata } from '@nestjs/common';
import { READ_ONLY_SESSION } from './session-metadata.js';

/**
 * Promises that a handler, or all of a controller, changes no bean and no attribute: finding out is skipped, which for large beans is most of
 * what a request costs. Outside production (`NODE_ENV`) the promise is checked: a change is not stored, and a warning names handler
 * and bean. In production such a change is lost without a word.
 */
export const ReadOnlySession = (): ClassDecorator & MethodDecorator => SetMetadata(READ_ONLY_SESSION, true);
