import { contestants } from '../apps/contestants.mjs';

/** Bytes of a session by the name that the tables use, and how many clients share the load: large sessions need fewer to be realistic. */
export const SIZES = {
  'one number': { bytes: 0, visitors: 256 },
  '2 KB': { bytes: 2 * 1024, visitors: 128 },
  '20 KB': { bytes: 20 * 1024, visitors: 64 },
  '200 KB': { bytes: 200 * 1024, visitors: 32 },
};

/** With large sessions only those take part whose state can be large, on one adapter: the adapter adds the same to each size. */
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

/** Who runs at the same time, each with its peer. Few: among twenty processes on a core, each cost two to three times what it does among five. */
const GROUPS = [
  ['nest', ['memory', 'express-session-memory', 'iron-session', 'nestjs-cls-proxy']],
  ['nest', ['external', 'cached-validate', 'cached-bounded', 'replicated', 'express-session-redis']],
  ['nest', ['memory-request-scope', 'nest-request-scope']],
  ['nest-fastify', ['memory-fastify', 'fastify-session-memory', 'external-fastify', 'fastify-session-redis']],
];

/**
 * What is measured side by side, group by group: all contestants of a group on one path with one size, each next to the floor of that moment.
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
