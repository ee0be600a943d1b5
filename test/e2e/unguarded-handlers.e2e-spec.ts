import { ServerResponse, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, type INestApplication, Inject, SetMetadata, type Type } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { RequireLogin, SessionConfigurationError, SessionLock } from 'nestjs-session-beans';
import { Counter } from '../support/counter.js';
import { liveSessionCount } from '../support/live-session-count.js';
import { type TestApplication, startApplication } from '../support/platforms.js';

/** As the decorators of @nestjs/websockets and @nestjs/graphql. */
const SubscribeMessage = (): MethodDecorator => SetMetadata('websockets:message_mapping', true);
const Root = (kind: string): MethodDecorator => SetMetadata('graphql:resolver_type', kind);
const ResolveField = (): MethodDecorator => SetMetadata('graphql:resolve_property', true);
const ResolveReference = (): MethodDecorator => SetMetadata('graphql:resolve_reference', true);

class Handlers {
  handle(): void {}
}

function handlers(...decorators: readonly MethodDecorator[]): Type {
  @Controller()
  class Decorated extends Handlers {
    override handle(): void {}
  }
  const method = Object.getOwnPropertyDescriptor(Decorated.prototype, 'handle') as PropertyDescriptor;
  for (const decorate of decorators) decorate(Decorated.prototype, 'handle', method);
  return Decorated;
}

const onClass = (type: Type, decorate: ClassDecorator): Type => {
  decorate(type);
  return type;
};

const isRefused =
  /^@RequireLogin\(\) would be ignored on Decorated\.handle: (Nest runs no guards|messages of microservices)/;

describe('an application does not start with a decorator that its handler would ignore:', () => {
  const boot = async (type: Type, fieldResolverEnhancers?: readonly string[]): Promise<void> => {
    const graphql = { provide: 'GqlModuleOptions', useValue: { fieldResolverEnhancers } };
    const application = await startApplication({ adapter: 'express', controllers: [type], providers: [graphql] });
    await application.close();
  };

  it.each<[string, MethodDecorator]>([
    ['a message of a microservice', MessagePattern('handle')],
    ['a message of a socket', SubscribeMessage()],
    ['a field of GraphQL', ResolveField()],
    ['a reference of GraphQL', ResolveReference()],
  ])('%s', async (_, kind) => {
    for (const type of [handlers(kind, RequireLogin()), onClass(handlers(kind), RequireLogin())]) {
      await expect(boot(type)).rejects.toThrow(SessionConfigurationError);
      await expect(boot(type)).rejects.toThrow(isRefused);
    }
    await expect(boot(handlers(kind, SessionLock()))).rejects.toThrow(
      /^@SessionLock\(\) would be ignored on Decorated/,
    );
    await boot(onClass(handlers(kind), SessionLock()));
    await boot(handlers(kind));
  });

  it('a lock on a subscription of GraphQL, which has no end', async () => {
    await expect(boot(handlers(Root('Subscription'), SessionLock()))).rejects.toThrow(/subscriptions have no end/);
  });

  it('but where Nest runs guards it starts', async () => {
    for (const kind of [Get(), Root('Query'), Root('Mutation'), Root('Subscription')])
      await boot(handlers(kind, RequireLogin()));
    await boot(handlers(ResolveField(), RequireLogin()), ['guards']);
    await expect(boot(handlers(ResolveField(), RequireLogin()), ['interceptors'])).rejects.toThrow(isRefused);
  });
});

@Controller()
class PageController {
  @Inject() private readonly counter!: Counter;

  @RequireLogin() @Get('secret') secret(): string {
    return 'secret';
  }

  @Get('count') count(): string {
    return `count=${++this.counter.value}`;
  }
}

interface Router {
  routing(request: IncomingMessage, response: ServerResponse): void;
}

/** As @fastify/websocket, which Mercurius uses: it routes requests that become sockets like all others. */
function routeUpgrades(app: INestApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as Router;
  (app.getHttpServer() as Server).on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.on('finish', () => socket.resume().end());
    fastify.routing(request, response);
  });
}

describe('a request that becomes a socket', () => {
  let application: TestApplication;
  beforeEach(async () => {
    application = await startApplication({
      adapter: 'fastify',
      beans: [Counter],
      controllers: [PageController],
      prepare: routeUpgrades,
    });
  });
  afterEach(() => application.close());

  const upgrade = (path: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = { Connection: 'Upgrade', Upgrade: 'websocket' };
      const request = httpRequest(`${application.url}${path}`, { headers }, (response) => {
        resolve(response);
        request.destroy();
      });
      request.on('error', reject).end();
    });

  it.each(['/secret', '/count'])('has no session: %s', async (path) => {
    const { statusCode, headers } = await upgrade(path);
    expect(statusCode).toBe(500);
    expect(headers['set-cookie']).toBeUndefined();
    expect(application.store.total).toBe(0);
    expect(liveSessionCount(application.app)).toBe(0);
  });
});
