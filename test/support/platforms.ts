import type { INestApplication, ModuleMetadata, Type } from '@nestjs/common';
import { Scope } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { MemorySessionStore, SessionModule, type SessionModuleOptions } from 'nestjs-session-beans';
import { CountingStore } from './counting-store.js';
import { nestIsAtLeast } from './nest-release.js';

export type AdapterName = 'express' | 'fastify';
export type BeanScope = Scope.DEFAULT | Scope.REQUEST;

/** Every way an application can run: both adapters, beans as client proxies and as request-scoped providers. */
export const platforms = (['express', 'fastify'] as const).flatMap((adapter) =>
  ([Scope.DEFAULT, Scope.REQUEST] as const).map((scope) => ({
    adapter,
    scope,
    mode: scope === Scope.REQUEST ? 'request scope' : 'client proxies',
  })),
);

/** The adapters, for behaviour that the scope of the beans has no part in. */
export const adapters = [{ adapter: 'express' }, { adapter: 'fastify' }] as const;

export interface TestApplication {
  readonly app: INestApplication;
  readonly store: CountingStore;
  /** `http://127.0.0.1:port` */
  readonly url: string;
  close(): Promise<void>;
}

export interface TestApplicationOptions extends Pick<ModuleMetadata, 'imports' | 'controllers' | 'providers'> {
  readonly adapter: AdapterName;
  readonly scope?: BeanScope;
  readonly beans?: readonly Type<object>[];
  readonly session?: SessionModuleOptions;
  readonly store?: CountingStore;
  /** Addresses of the proxies that it trusts, as both frameworks take them. */
  readonly trustProxy?: string | undefined;
  /** Called before `init`. */
  readonly prepare?: (app: INestApplication) => void;
}

/** A real application on a free port of the loopback interface. Close it. */
export async function startApplication(options: TestApplicationOptions): Promise<TestApplication> {
  const {
    adapter,
    scope = Scope.DEFAULT,
    beans = [],
    session = {},
    imports = [],
    controllers = [],
    providers = [],
    trustProxy,
  } = options;
  const store =
    options.store ?? new CountingStore(new MemorySessionStore(session.clock ? { clock: session.clock } : {}));
  const module = await Test.createTestingModule({
    imports: [SessionModule.forRoot({ store, ...session }), SessionModule.forFeature(beans, { scope }), ...imports],
    controllers,
    providers,
  }).compile();
  const app = module.createNestApplication(
    adapter === 'fastify' ? new FastifyAdapter({ trustProxy: trustProxy ?? false }) : express(trustProxy),
  );
  app.useLogger(false);
  // Otherwise the Fastify adapter takes no middleware yet.
  if (adapter === 'fastify' && !nestIsAtLeast('11.1.4')) await app.getHttpAdapter().init?.();
  options.prepare?.(app);
  await app.listen(0, '127.0.0.1');
  return { app, store, url: await app.getUrl(), close: () => app.close() };
}

function express(trustProxy: string | undefined): ExpressAdapter {
  const adapter = new ExpressAdapter();
  if (trustProxy !== undefined) adapter.set('trust proxy', trustProxy);
  return adapter;
}
