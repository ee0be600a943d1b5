import { createParamDecorator } from '@nestjs/common';
import { currentSession } from './current-session.js';

/** Parameter of a handler: its `HttpSession`. Loads the session for this handler. */
export const CurrentSession: () => ParameterDecorator = createParamDecorator(currentSession);
