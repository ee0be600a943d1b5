import { contestant } from '../apps/contestants.mjs';
import { median } from '../measure/statistics.mjs';
import { distinct } from './samples.mjs';
import { number, table } from './table.mjs';

const of = (all, wanted) =>
  all.filter((sample) => Object.entries(wanted).every(([field, value]) => sample[field] === value));

/** CPU microseconds of whole requests without sockets, over bare Nest on the same adapter in the same round. */
export function inProcess(all) {
  return distinct(all, 'node')
    .map((node) => {
      const samples = of(all, { node });
      const paths = ['/ping', '/read', '/peek', '/write'];
      const one = distinct(of(samples, { atOnce: 1 }), 'name').map((name) => ({ name, atOnce: 1 }));
      const several = samples.filter(({ atOnce }) => atOnce > 1);
      const many = distinct(several, 'name').map((name) => ({ name, atOnce: of(several, { name })[0].atOnce }));
      const rows = [...one, ...many].map(({ name, atOnce }) => {
        const { floor } = contestant(name);
        return [
          atOnce === 1 ? name : `${name}, ${atOnce} at once`,
          ...paths.map((path) => {
            const values = of(samples, { name, atOnce, path }).map(({ epoch, round, cpuUs }) => {
              const asked = path === '/peek' ? '/read' : path;
              const at = of(samples, { name: floor, atOnce, path: asked, epoch, round })[0];
              return name === floor ? cpuUs : cpuUs - at.cpuUs;
            });
            return values.length === 0 ? '–' : number(median(values), 1);
          }),
        ];
      });
      return `Node ${node}\n\n${table(['CPU µs over bare Nest (bare Nest: whole)', ...paths], rows)}`;
    })
    .join('\n\n');
}

export function growth(all) {
  return distinct(all, 'series')
    .map((series) => {
      const samples = of(all, { series });
      const points = distinct(samples, 'point');
      const rows = distinct(samples, 'node').flatMap((node) =>
        distinct(samples, 'path').map((path) => [
          `Node ${node}, ${path}`,
          ...points.map((point) => number(of(samples, { node, path, point })[0]?.cpuUs, 1)),
        ]),
      );
      return `**${series}**: CPU µs per request\n\n${table(['', ...points.map((point) => number(point))], rows)}`;
    })
    .join('\n\n');
}

export function memory(all) {
  const sizes = distinct(all, 'size');
  const rows = distinct(all, 'node').flatMap((node) =>
    distinct(all, 'name').map((name) => [
      name,
      node,
      ...sizes.flatMap((size) => {
        const one = of(all, { node, name, size })[0];
        return one ? [mb(one.heap), contestant(name).state === 'redis' ? mb(one.redis) : '–'] : ['–', '–'];
      }),
    ]),
  );
  return table(['MB per 100,000 sessions', 'Node', ...sizes.flatMap((size) => [`${size}: server`, 'Redis'])], rows);
}

export function lostUpdates(all) {
  const rows = distinct(all, 'name').map((name) => [
    name,
    ...distinct(all, 'node').map((node) => {
      const runs = of(all, { name, node });
      const range = (field) => [...new Set(runs.map((run) => run[field]))].toSorted((a, b) => a - b).join(', ');
      return runs.length === 0 ? '–' : `${range('kept')} of ${range('accepted')}`;
    }),
  ]);
  return table(
    [`${all[0]?.increments ?? 0} at once: kept of accepted`, ...distinct(all, 'node').map((node) => `Node ${node}`)],
    rows,
  );
}

/** Megabytes per 100,000 sessions, from bytes per session. */
const mb = (bytes) => number((bytes * 100_000) / 1024 / 1024, 0);
