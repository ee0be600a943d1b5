// Module hooks: whoever resolves one of the optional peers, directly or not, fails.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const OPTIONAL_PEER = /^(ioredis|@nestjs\/microservices|@opentelemetry\/api)(\/|$)/;

export async function resolve(specifier, context, next) {
  if (OPTIONAL_PEER.test(specifier)) throw new Error(`${context.parentURL} loads ${specifier}`);
  return next(specifier, context);
}

// `--import` runs this file in the main thread; what it registers runs in the thread of the hooks.
if (isMainThread) register(import.meta.url);
