import { Query, Session } from '@nestjs/common';
import { items, pause } from './items.mjs';
import { controller } from './nest-application.mjs';

/** The controller that all libraries with a `request.session` share. */
export function requestSessionController() {
  class SessionController {
    ping() {
      return 'pong';
    }
    read(session) {
      return `counter=${session.counter ?? 0}`;
    }
    write(session) {
      session.counter = (session.counter ?? 0) + 1;
      return `counter=${session.counter}`;
    }
    fill(session, bytes) {
      session.items = items(Number(bytes));
      return 'filled';
    }
    async slow(session) {
      const before = session.counter ?? 0;
      await pause();
      session.counter = before + 1;
      return 'done';
    }
  }
  for (const name of ['read', 'write', 'fill', 'slow']) Session()(SessionController.prototype, name, 0);
  Query('bytes')(SessionController.prototype, 'fill', 1);
  return controller(SessionController);
}
