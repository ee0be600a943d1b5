import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { HttpRequestSession } from './http-request-session.js';
import { USES_SESSION } from './session-metadata.js';

const fromRequest = createParamDecorator(
  (_: unknown, execution: ExecutionContext) => HttpRequestSession.of(execution.getArgByIndex(0))?.httpSession,
);

/** Parameter of a handler: its `HttpSession`. Loads the session for this handler. */
export const CurrentSession = (): ParameterDecorator => (prototype, method, index) => {
  const descriptor = method === undefined ? undefined : Object.getOwnPropertyDescriptor(prototype, method);
  if (method !== undefined && descriptor) SetMetadata(USES_SESSION, true)(prototype, method, descriptor);
  fromRequest()(prototype, method, index);
};
