// Module hooks: whoever resolves one of the peers that only some entries need, directly or not, fails; except those named in ALLOWED, with commas between them.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const PEERS = ['ioredis', '@nestjs/microservices', '@grpc/grpc-js', '@nestjs/terminus', '@opentelemetry/api'];
const allowed = process.env.ALLOWED?.split(',') ?? [];
const refused = PEERS.filter((peer) => !allowed.includes(peer));

export async function resolve(specifier, context, next) {
  if (refused.some((peer) => specifier === peer || specifier.startsWith(`${peer}/`)))
    throw new Error(`${context.parentURL} loads ${specifier}`);
  return next(specifier, context);
}

// `--import` runs this file in the main thread; what it registers runs in the thread of the hooks.
if (isMainThread) register(import.meta.url);
