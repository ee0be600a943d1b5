import { contestants } from '../apps/contestants.mjs';

/**
 * For each size of session, by the name that the tables use: its bytes, and the number of clients. Large sessions need
 * fewer clients to be realistic.
 */
export const SIZES = {
  'one number': { bytes: 0, visitors: 256 },
  '2 KB': { bytes: 2 * 1024, visitors: 128 },
  '20 KB': { bytes: 20 * 1024, visitors: 64 },
  '200 KB': { bytes: 200 * 1024, visitors: 32 },
};

/**
 * Only these contestants run with large sessions: their state can be large. One adapter is enough, because an adapter
 * adds the same cost at each size.
 */
const LARGE = new Set([
  'memory',
  'external',
  'replicated',
  'cached-validate',
  'cached-bounded',
  'express-session-memory',
  'express-session-redis',
  'iron-session',
]);

/**
 * The contestants that run at the same time, each with its peer. Groups are small because among twenty processes on a
 * core each costs two to three times as much as among five.
 */
const GROUPS = [
  ['nest', ['memory', 'express-session-memory', 'iron-session', 'nestjs-cls-proxy']],
  ['nest', ['external', 'cached-validate', 'cached-bounded', 'replicated', 'express-session-redis']],
  ['nest', ['memory-request-scope', 'nest-request-scope']],
  ['nest-fastify', ['memory-fastify', 'fastify-session-memory', 'external-fastify', 'fastify-session-redis']],
];

/**
 * The blocks to measure, group by group. A block is all contestants of a group on one path with one size; each is
 * measured next to the floor at that moment.
 * @param {{ only?: RegExp, sizes?: string[], isQuick: boolean }} options
 */
export function groupsOfBlocks({ only, sizes = Object.keys(SIZES), isQuick }) {
  return GROUPS.map(([floor, group]) => {
    const names = contestants.filter((one) => group.includes(one.name) && (!only || only.test(one.name)));
    const taken = isQuick ? sizes.filter((size) => size === 'one number' || size === '20 KB') : sizes;
    return taken.flatMap((size) => {
      const isSmall = size === 'one number';
      const taking = names.filter(
        ({ name, maxBytes = Number.POSITIVE_INFINITY }) =>
          isSmall || (LARGE.has(name) && SIZES[size].bytes <= maxBytes),
      );
      const paths = isSmall ? ['/ping', '/read', '/peek', '/write'] : ['/read', '/peek', '/write'];
      return paths
        .map((path) => ({
          floor,
          size,
          path,
          names: taking.filter((one) => path !== '/peek' || one.isOurs).map((one) => one.name),
        }))
        .filter((block) => block.names.length > 0);
    });
  }).filter((blocks) => blocks.length > 0);
}
