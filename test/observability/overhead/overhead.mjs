// What being measured costs a request, in CPU time: the library alone, with the memory store and without Nest and sockets, which are the same for
// everybody and cost many times as much.
//
//   node --expose-gc test/observability/overhead/overhead.mjs <dist of a build from whose sources the hooks were removed>
//
// The variants take turns, 200 requests each, in one process. Of each the fastest tenth of its rounds is told: what else runs on the machine can only
// slow them down. Needs `npm run build`.
import 'reflect-metadata';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { IncomingMessage, ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

const REQUESTS = 200;
const ROUNDS = Number(process.env.ROUNDS ?? 400);
const here = resolve(process.env.BUILD ?? 'libs/session/dist');
const unhooked = resolve(process.argv[2] ?? here);

class NoSocket extends Duplex {
  _read() {}
  _write(_, __, done) {
    done();
  }
}
const socket = new NoSocket();
socket.setMaxListeners(0);

const load = (folder, file) => import(pathToFileURL(`${folder}/${file}`).href);

/** One application of a build, and what a request of a client with a session does in it. */
async function application(folder, imports = async () => []) {
  const { SessionModule, SessionScoped, MemorySessionStore } = await load(folder, 'index.js');
  const { HTTP_SESSION_RUNTIME } = await load(folder, 'session.providers.js');
  const { HttpRequestSession } = await load(folder, 'http/http-request-session.js');
  const { SessionContext } = await load(folder, 'context/session-context.js');
  class Counter {
    value = 0;
  }
  SessionScoped({ name: 'counter' })(Counter);
  // oxlint-disable-next-line typescript/no-extraneous-class
  class AppModule {}
  const store = new MemorySessionStore();
  const modules = [SessionModule.forRoot({ store }), SessionModule.forFeature([Counter]), ...(await imports(folder))];
  Module({ imports: modules })(AppModule);
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
  await app.init();
  const [runtime, context, counter] = [app.get(HTTP_SESSION_RUNTIME), app.get(SessionContext), app.get(Counter)];

  const request = async (kind, headers) => {
    const incoming = new IncomingMessage(socket);
    incoming.method = 'GET';
    incoming.headers = headers;
    const response = new ServerResponse(incoming);
    response.assignSocket(socket);
    const session = new HttpRequestSession(incoming, response, runtime);
    await context.run(session, async () => {
      session.handler = 'CountController.count';
      if (session.timing) session.timing.facts.handler = session.handler;
      if (kind === 'none') {
        session.timing?.enter('application');
      } else {
        await session.begin(undefined);
        session.timing?.enter('application');
        session.handlerBegins();
        if (kind === 'write') counter.value++;
        else void counter.value;
        await session.handlerEnded(200);
      }
      response.end('ok');
    });
    const cookies = response.getHeader('set-cookie');
    response.detachSocket(socket);
    response.emit('close');
    return cookies;
  };
  const lines = [await request('write', {})].flat();
  const headers = { cookie: lines.map((line) => line.split(';')[0]).join('; ') };
  return { send: (kind) => request(kind, headers) };
}

async function round({ send, around }, kind) {
  around?.(true);
  const before = process.cpuUsage();
  for (let i = 0; i < REQUESTS; i++) await send(kind);
  const { user, system } = process.cpuUsage(before);
  around?.(false);
  return (user + system) / REQUESTS;
}

/** The mean of the fastest tenth. */
function fastest(times) {
  const best = times.toSorted((a, b) => a - b).slice(0, Math.ceil(times.length / 10));
  return best.reduce((sum, time) => sum + time, 0) / best.length;
}

const observed = (options) => async (folder) => {
  const { SessionObservabilityModule } = await load(folder, 'observability/index.js');
  return [SessionObservabilityModule.forRoot({ node: 's1', ...options })];
};
const meterProvider = () => new MeterProvider({ readers: [new PrometheusExporter({ preventServerStart: true })] });

const listener = () => undefined;
const off = await application(here);
const base = await application(unhooked);
const variants = {
  'without hooks': base,
  'without hooks, again': base,
  'nobody listens': off,
  'a listener': {
    ...off,
    around: (on) => (on ? subscribe : unsubscribe)('nestjs-session-beans:request', listener),
  },
  'metrics on': await application(here, observed({ metrics: meterProvider() })),
  'metrics, Server-Timing': await application(here, observed({ metrics: meterProvider(), serverTiming: true })),
};

for (const kind of (process.env.KINDS ?? 'none,read,write').split(',')) {
  const names = Object.keys(variants);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let i = -30; i < ROUNDS; i++) {
    if (i % 10 === 0) globalThis.gc?.();
    for (const name of i % 2 ? names : names.toReversed()) {
      const time = await round(variants[name], kind);
      if (i >= 0) times[name].push(time);
    }
  }
  const floor = fastest(times['without hooks']);
  console.log(`session: ${kind}`);
  for (const name of names) {
    const time = fastest(times[name]);
    const difference = name === 'without hooks' ? '' : `${time >= floor ? '+' : ''}${(time - floor).toFixed(2)} µs`;
    console.log(`  ${name.padEnd(24)} ${time.toFixed(2).padStart(7)} µs  ${difference.padStart(9)}`);
  }
}
process.exit(0);
