import { library } from './library.mjs';

/**
 * One implementation that the benchmark measures. `floor` names the contestant whose cost is the baseline: Nest on the
 * same adapter, without sessions. `peer` names the well-known library that this one could replace.
 * @typedef {{ name: string, app: string, options: object, state: 'none' | 'memory' | 'redis' | 'cookie', floor: string,
 *   peer?: string, maxBytes?: number, isOurs?: boolean, isInProcessOnly?: boolean }} Contestant
 */

const ours = (name, options, peer, floor = 'nest') => ({
  name,
  app: 'beans',
  options,
  state: options.pattern === 'memory' || options.pattern === 'replicated' ? 'memory' : 'redis',
  floor,
  peer,
  isOurs: true,
});

/** @type {Contestant[]} */
const all = [
  { name: 'nest', app: 'bare', options: {}, state: 'none', floor: 'nest' },
  { name: 'nest-request-scope', app: 'bare', options: { scope: 'request' }, state: 'none', floor: 'nest' },
  ours('memory', { pattern: 'memory' }, 'express-session-memory'),
  ours('memory-request-scope', { pattern: 'memory', scope: 'request' }, 'nest-request-scope'),
  ours('external', { pattern: 'external' }, 'express-session-redis'),
  ours('cached-validate', { pattern: 'validate' }, 'express-session-redis'),
  ours('replicated', { pattern: 'replicated' }, 'express-session-redis'),
  ours('cached-bounded', { pattern: 'bounded' }, 'express-session-redis'),
  {
    name: 'express-session-memory',
    app: 'express-session',
    options: { store: 'memory' },
    state: 'memory',
    floor: 'nest',
  },
  { name: 'express-session-redis', app: 'express-session', options: { store: 'redis' }, state: 'redis', floor: 'nest' },
  { name: 'iron-session', app: 'iron-session', options: {}, state: 'cookie', floor: 'nest', maxBytes: 2048 },
  { name: 'nestjs-cls-proxy', app: 'nestjs-cls', options: {}, state: 'none', floor: 'nest' },
  { name: 'seams', app: 'seams', options: {}, state: 'none', floor: 'nest', isInProcessOnly: true },
  {
    name: 'seams-interceptor',
    app: 'seams',
    options: { interceptor: true },
    state: 'none',
    floor: 'nest',
    isInProcessOnly: true,
  },
  { name: 'nest-fastify', app: 'bare', options: { adapter: 'fastify' }, state: 'none', floor: 'nest-fastify' },
  {
    name: 'seams-fastify',
    app: 'seams',
    options: { adapter: 'fastify' },
    state: 'none',
    floor: 'nest-fastify',
    isInProcessOnly: true,
  },
  ours('memory-fastify', { pattern: 'memory', adapter: 'fastify' }, 'fastify-session-memory', 'nest-fastify'),
  ours('external-fastify', { pattern: 'external', adapter: 'fastify' }, 'fastify-session-redis', 'nest-fastify'),
  {
    name: 'fastify-session-memory',
    app: 'fastify-session',
    options: { store: 'memory' },
    state: 'memory',
    floor: 'nest-fastify',
  },
  {
    name: 'fastify-session-redis',
    app: 'fastify-session',
    options: { store: 'redis' },
    state: 'redis',
    floor: 'nest-fastify',
  },
];

/** An older build of the library, which BENCH_LIBRARY may name, has no replicated store. */
const canReplicate = await library('nestjs-session-beans-replicated').then(
  () => true,
  () => false,
);

export const contestants = all.filter((one) => canReplicate || one.options.pattern !== 'replicated');

/** @param {string} name */
export function contestant(name) {
  const found = contestants.find((one) => one.name === name);
  if (!found)
    throw new Error(`no contestant is called ${name}; there are ${contestants.map((one) => one.name).join(', ')}`);
  return found;
}
