import { contestants } from '../apps/contestants.mjs';
import { median, medianWithInterval } from '../measure/statistics.mjs';
import { distinct } from './samples.mjs';
import { number, table } from './table.mjs';

const LABELS = { '/read': 'read', '/peek': 'read, `@ReadOnlySession()`', '/write': 'write' };

const of = (all, wanted) =>
  all.filter((sample) => Object.entries(wanted).every(([field, value]) => sample[field] === value));

const ratio = (mine, peers) => (peers > 0 ? number(mine / peers, 2) : '–');

/** @returns the median of `value(sample)`; undefined where it was not measured */
function mids(all, value) {
  const values = all.map(value).filter((one) => one !== undefined && Number.isFinite(one));
  return values.length === 0 ? undefined : median(values);
}

/** What a session costs: CPU over bare Nest and CPU of Redis, per request, and both as multiples of the peer's. */
export function cost(all) {
  return sections(all, 'one number', (samples, floor) => {
    const over = (name, path) => mids(of(samples, { name, path }), ({ cpuUs, floorUs }) => cpuUs - floorUs);
    const redis = (name, path) => mids(of(samples, { name, path }), ({ redisCpuUs }) => redisCpuUs);
    const rows = named(samples, floor).map((name) => {
      const { peer } = contestants.find((one) => one.name === name);
      const paths = ['/read', '/write'];
      return [
        name,
        ...paths.map((path) => number(over(name, path))),
        ...paths.map((path) => ratio(over(name, path), over(peer, path))),
        ...paths.map((path) => number(redis(name, path), 1)),
        ...paths.map((path) => ratio(redis(name, path), redis(peer, path))),
      ];
    });
    const pairs = ['server µs', '× peer', 'Redis µs', '× peer'];
    return table(['CPU per request', ...pairs.flatMap((name) => [`${name}: read`, 'write'])], rows);
  });
}

/** Lines for the terminal: ours as multiples of the peer's, round by round, with intervals. */
export function intervals(all) {
  const lines = [];
  for (const { name, peer } of contestants.filter((one) => one.peer)) {
    for (const { node, size, path } of distinctBlocks(of(all, { name }))) {
      const peers = of(all, { name: peer, node, size, path: path === '/peek' ? '/read' : path });
      const ratios = (value) => {
        const values = of(all, { name, node, size, path }).map((sample) => {
          const other = peers.find(({ epoch, round }) => epoch === sample.epoch && round === sample.round);
          return other && value(other) > 0 ? value(sample) / value(other) : Number.NaN;
        });
        const known = values.filter(Number.isFinite);
        if (known.length === 0) return '–';
        const { median: middle, low, high } = medianWithInterval(known);
        return `${number(middle, 2)} [${number(low, 2)}–${number(high, 2)}]`;
      };
      const server = ratios(({ cpuUs, floorUs }) => cpuUs - floorUs);
      const redis = ratios(({ redisCpuUs }) => redisCpuUs);
      lines.push(`Node ${node}, ${name} / ${peer}, ${size}, ${path}: overhead ${server}, Redis ${redis}`);
    }
  }
  return lines.join('\n');
}

const distinctBlocks = (all) => [
  ...new Map(all.map(({ node, size, path }) => [`${node} ${size} ${path}`, { node, size, path }])).values(),
];

/** CPU over bare Nest, by size of the session. */
export function bySize(all) {
  return distinct(all, 'node')
    .map((node) => {
      const samples = of(all, { node }).filter((sample) => !sample.name.startsWith('nest'));
      const sizes = distinct(samples, 'size');
      const large = distinct(
        samples.filter(({ size }) => size !== 'one number'),
        'name',
      );
      const rows = large.flatMap((name) =>
        ['/read', '/peek', '/write']
          .filter((path) => of(samples, { name, path }).length > 0)
          .map((path) => [
            name,
            LABELS[path],
            ...sizes.map((size) =>
              number(mids(of(samples, { name, path, size }), ({ cpuUs, floorUs }) => cpuUs - floorUs)),
            ),
          ]),
      );
      return `Node ${node}\n\n${table(['CPU µs per request over bare Nest', '', ...sizes], rows)}`;
    })
    .join('\n\n');
}

const named = (samples, floor) =>
  contestants
    .filter((one) => one.floor === floor && one.name !== floor && samples.some(({ name }) => name === one.name))
    .map(({ name }) => name);

function sections(all, size, write) {
  const small = of(all, { size });
  return distinct(small, 'node')
    .flatMap((node) =>
      ['nest', 'nest-fastify'].flatMap((floor) => {
        const samples = of(small, { node });
        if (named(samples, floor).length === 0) return [];
        return [`Node ${node}, ${floor === 'nest' ? 'Express' : 'Fastify'}\n\n${write(samples, floor)}`];
      }),
    )
    .join('\n\n');
}
