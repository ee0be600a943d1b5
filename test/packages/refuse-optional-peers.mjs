// Module hooks for one process. No module can import a peer that only some entries of the packages need. The variable
// ALLOWED names exceptions, with commas between them.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const PEERS = [
  'ioredis',
  'redis',
  '@redis/client',
  'pg',
  '@nestjs/microservices',
  '@grpc/grpc-js',
  '@nestjs/terminus',
  '@opentelemetry/api',
  'class-transformer',
];
const allowed = process.env.ALLOWED?.split(',') ?? [];
const refused = PEERS.filter((peer) => !allowed.includes(peer));

export async function resolve(specifier, context, next) {
  if (refused.some((peer) => specifier === peer || specifier.startsWith(`${peer}/`)))
    throw new Error(`${context.parentURL} loads ${specifier}`);
  return next(specifier, context);
}

// `--import` runs this file in the main thread. The hooks it registers run in a thread of their own.
if (isMainThread) register(import.meta.url);
