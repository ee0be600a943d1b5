// What being measured costs a request: CPU time of whole requests through Nest, Fastify and the memory store, without sockets.
//
//   node --expose-gc test/observability/overhead/overhead.mjs [folder of a build whose hooks were removed]
//
// The variants take turns, some hundred requests each, in one process; each round is compared with the round beside it, and the median of the
// differences is told. Needs `npm run build`.
import 'reflect-metadata';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { Controller, Get, Inject, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

const REQUESTS = 400;
const ROUNDS = Number(process.env.ROUNDS ?? 300);
const here = resolve(process.env.BUILD ?? 'libs/session/dist');
const without = process.argv[2] && resolve(process.argv[2]);

const plain = without && (await import(pathToFileURL(`${without}/index.js`).href));
const library = await import(pathToFileURL(`${here}/index.js`).href);
const { REQUEST_CHANNEL, SessionObservabilityModule } = await import(pathToFileURL(`${here}/observability/index.js`).href);

/** One application; `send` is one request of a client with a session. */
async function application({ SessionModule, SessionScoped, MemorySessionStore }, imports = []) {
  class Counter {
    value = 0;
  }
  SessionScoped({ name: 'counter' })(Counter);
  class CountController {
    peek() {
      return `${this.counter.value}`;
    }
    count() {
      return `${++this.counter.value}`;
    }
  }
  Inject(Counter)(CountController.prototype, 'counter');
  Controller('count')(CountController);
  Get()(CountController.prototype, 'peek', Object.getOwnPropertyDescriptor(CountController.prototype, 'peek'));
  Post()(CountController.prototype, 'count', Object.getOwnPropertyDescriptor(CountController.prototype, 'count'));
  class PingController {
    ping() {
      return 'pong';
    }
  }
  Controller('ping')(PingController);
  Get()(PingController.prototype, 'ping', Object.getOwnPropertyDescriptor(PingController.prototype, 'ping'));
  class AppModule {}
  Module({
    imports: [
      SessionModule.forRoot({ store: new MemorySessionStore() }),
      SessionModule.forFeature([Counter]),
      ...imports,
    ],
    controllers: [CountController, PingController],
  })(AppModule);
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  const first = await app.inject({ method: 'POST', url: '/count' });
  const cookie = [first.headers['set-cookie']].flat().map((line) => line.split(';')[0]).join('; ');
  return { app, send: (method, url) => app.inject({ method, url, headers: { cookie } }) };
}

async function round(send, method, url) {
  const before = process.cpuUsage();
  for (let i = 0; i < REQUESTS; i++) await send(method, url);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REQUESTS;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const quartiles = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return [0.25, 0.75].map((at) => sorted[Math.floor(sorted.length * at)].toFixed(2)).join(' to ');
};

const listener = () => undefined;
const off = await application(library);
const base = plain ? await application(plain) : off;
const metricsOn = await application(library, [
  SessionObservabilityModule.forRoot({
    node: 's1',
    metrics: new MeterProvider({ readers: [new PrometheusExporter({ preventServerStart: true })] }),
  }),
]);
const channelOn = {
  send: off.send,
  around: (on) => (on ? subscribe(REQUEST_CHANNEL, listener) : unsubscribe(REQUEST_CHANNEL, listener)),
};
const variants = { base, 'base again': base, 'nobody listens': off, 'a listener': channelOn, 'metrics on': metricsOn };

for (const [method, url] of [['GET', '/ping'], ['GET', '/count'], ['POST', '/count']]) {
  const differences = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  const bases = [];
  for (let i = -20; i < ROUNDS; i++) {
    globalThis.gc?.();
    const times = {};
    // Each variant is first as often as last.
    const names = Object.keys(variants);
    for (const name of i % 2 ? names : names.toReversed()) {
      const { send, around } = variants[name];
      around?.(true);
      times[name] = await round(send, method, url);
      around?.(false);
    }
    if (i < 0) continue;
    bases.push(times.base);
    for (const name of names) differences[name].push(times[name] - times.base);
  }
  console.log(`${method} ${url}: ${median(bases).toFixed(1)} µs`);
  for (const [name, values] of Object.entries(differences)) {
    if (name !== 'base') console.log(`  ${name.padEnd(16)} ${median(values).toFixed(2).padStart(6)} µs (middle half: ${quartiles(values)})`);
  }
}
process.exit(0);
