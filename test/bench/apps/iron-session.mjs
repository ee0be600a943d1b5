import { Query, Req, Res } from '@nestjs/common';
import { getIronSession } from 'iron-session';
import { items, pause } from './items.mjs';
import { controller, createNestApplication } from './nest-application.mjs';

const open = (request, response) =>
  getIronSession(request, response, {
    password: 'a-secret-of-at-least-thirty-two-characters',
    cookieName: 'iron',
    cookieOptions: { secure: false },
  });

/** iron-session keeps the session in an encrypted cookie of at most 4 KB. */
export function createApp() {
  class IronController {
    ping() {
      return 'pong';
    }
    async read(request, response) {
      const session = await open(request, response);
      return `counter=${session.counter ?? 0}`;
    }
    async write(request, response) {
      const session = await open(request, response);
      session.counter = (session.counter ?? 0) + 1;
      await session.save();
      return `counter=${session.counter}`;
    }
    async fill(request, response, bytes) {
      const session = await open(request, response);
      session.items = items(Number(bytes));
      await session.save();
      return 'filled';
    }
    async slow(request, response) {
      const session = await open(request, response);
      const before = session.counter ?? 0;
      await pause();
      session.counter = before + 1;
      await session.save();
      return 'done';
    }
  }
  for (const name of ['read', 'write', 'fill', 'slow']) {
    Req()(IronController.prototype, name, 0);
    Res({ passthrough: true })(IronController.prototype, name, 1);
  }
  Query('bytes')(IronController.prototype, 'fill', 2);
  return createNestApplication({ controllers: [controller(IronController)] });
}
