// One application of a build, in a process of its own, which overhead.mjs starts and drives. It handles requests of a
// client that has a session.
//
// node variant.mjs <dist> <off | listener | metrics | header>
import 'reflect-metadata';
import { channel, subscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { pathToFileURL } from 'node:url';
import { setImmediate as turn } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

const [folder, mode] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(`${folder}/${file}`).href);

/** Stands in for a socket, and drops the bytes of a response. */
class NoSocket extends EventEmitter {
  writable = true;
  destroyed = false;
  writableHighWaterMark = 16_384;
  _writableState = { corked: 0 };

  write(chunk, encoding, callback) {
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  }
  cork() {}
  uncork() {}
}

const { SessionModule, SessionScoped, MemorySessionStore } = await load('index.js');
const { HTTP_SESSION_RUNTIME } = await load('module/session.providers.js');
const { HttpLifecycle } = await load('http/http-lifecycle.js');
const { CurrentRequest } = await load('request/current-request.js');

class Counter {
  value = 0;
}
SessionScoped({ name: 'counter' })(Counter);

// oxlint-disable-next-line typescript/no-extraneous-class
class AppModule {}
const modules = [SessionModule.forRoot({ store: new MemorySessionStore() }), SessionModule.forFeature([Counter])];
if (mode === 'metrics' || mode === 'header') {
  const { SessionObservabilityModule } = await load('observability/index.js');
  const meterProvider = new MeterProvider({ readers: [new PrometheusExporter({ preventServerStart: true })] });
  modules.push(SessionObservabilityModule.forRoot({ nodeName: 's1', meterProvider, serverTiming: mode === 'header' }));
}
Module({ imports: modules })(AppModule);
const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
await app.init();
const [runtime, context, counter] = [app.get(HTTP_SESSION_RUNTIME), app.get(CurrentRequest), app.get(Counter)];
if (mode === 'listener') subscribe('nestjs-session-beans:request', () => undefined);

/** The channels on which node:http reports each request while there is a subscriber. */
const starts = channel('http.server.request.start');
const ends = channel('http.server.response.finish');
const socket = new NoSocket();

async function request(kind, headers) {
  const incoming = new IncomingMessage(socket);
  incoming.method = 'GET';
  incoming.headers = headers;
  const response = new ServerResponse(incoming);
  response.assignSocket(socket);
  if (starts.hasSubscribers) starts.publish({ request: incoming, response, socket, server: undefined });
  const session = new HttpLifecycle(incoming, response, runtime);
  await context.run(session, async () => {
    const { state } = session;
    state.handler = 'CountController.count';
    if (state.timing) state.timing.facts.handler = state.handler;
    if (kind === 'none') {
      state.timing?.enter('application');
    } else {
      await session.begin(undefined);
      state.timing?.enter('application');
      session.handlerBegins();
      if (kind === 'write') counter.value++;
      else void counter.value;
      await session.handlerEnded(200);
    }
    response.end('ok');
  });
  const cookies = response.getHeader('set-cookie');
  if (ends.hasSubscribers) ends.publish({ request: incoming, response, socket, server: undefined });
  response.detachSocket(socket);
  response.emit('close');
  return cookies;
}

const lines = [await request('write', {})].flat();
const headers = { cookie: lines.map((line) => line.split(';')[0]).join('; ') };

/** @returns the CPU time per request of each round, in microseconds */
async function run(kind, rounds, requests) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let i = 1; i <= requests; i++) {
      await request(kind, headers);
      // A busy server, too, reads several requests in one turn of the event loop.
      if (i % 10 === 0) await turn();
    }
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / requests);
  }
  return times;
}

process.on('message', ({ kind, rounds, requests }) => {
  void run(kind, rounds, requests).then((times) => process.send(times));
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
