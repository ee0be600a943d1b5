import { contestants } from '../apps/contestants.mjs';
import { median, medianWithInterval } from '../measure/statistics.mjs';
import { distinct } from './samples.mjs';
import { number, table, withInterval } from './table.mjs';

const PATHS = ['/ping', '/read', '/peek', '/write'];
const LABELS = { '/ping': 'no session', '/read': 'read', '/peek': 'read, `@ReadOnlySession()`', '/write': 'write' };

const of = (all, wanted) =>
  all.filter((sample) => Object.entries(wanted).every(([field, value]) => sample[field] === value));

/** @returns median and interval of `value(sample)` over the samples; undefined without any */
function summary(all, value) {
  const values = all.map(value).filter((one) => one !== undefined && Number.isFinite(one));
  return values.length === 0 ? undefined : medianWithInterval(values);
}

/** CPU per request as a multiple of bare Nest on the same adapter, measured right before and after. */
export function timesFloor(all) {
  return sections(all, 'one number', (samples, floor) => {
    const rows = named(samples, floor).map((name) => [
      name,
      ...PATHS.map((path) =>
        withInterval(summary(of(samples, { name, path }), ({ cpuUs, floorUs }) => cpuUs / floorUs)),
      ),
    ]);
    return table(['CPU per request, × bare Nest', ...PATHS.map((path) => LABELS[path])], rows);
  });
}

/** Throughput, latency at saturation, and the traffic to Redis. */
export function throughput(all) {
  return sections(all, 'one number', (samples, floor) => {
    const rows = [floor, ...named(samples, floor)].map((name) => {
      const write = of(samples, { name, path: '/write' });
      const read = of(samples, { name, path: '/read' });
      return [
        name,
        `${mid(read, 'cpuUs')} / ${mid(write, 'cpuUs')}`,
        `${mid(read, 'perSecond')} / ${mid(write, 'perSecond')}`,
        `${mid(write, 'p50', 1)} / ${mid(write, 'p99', 1)}`,
        `${mid(read, 'redisCalls', 2)} / ${mid(write, 'redisCalls', 2)}`,
        `${mid(read, 'redisIn')} + ${mid(read, 'redisOut')} / ${mid(write, 'redisIn')} + ${mid(write, 'redisOut')}`,
        `${mid(read, 'redisCpuUs')} / ${mid(write, 'redisCpuUs')}`,
      ];
    });
    return table(
      [
        'read / write',
        'CPU µs',
        'requests per second',
        'write: p50 / p99 ms',
        'Redis calls',
        'bytes to + from Redis',
        'Redis CPU µs',
      ],
      rows,
    );
  });
}

/** The cost of a session over bare Nest, as a share of the peer's cost over bare Nest in the same round. */
export function shareOfPeer(all) {
  const rows = [];
  for (const { name, peer } of contestants.filter((one) => one.peer)) {
    for (const size of distinct(of(all, { name }), 'size')) {
      for (const node of distinct(of(all, { name, size }), 'node')) {
        const cells = ['/read', '/peek', '/write'].map((path) => {
          const peers = of(all, { name: peer, size, node, path: path === '/peek' ? '/read' : path });
          return withInterval(
            summary(of(all, { name, size, node, path }), ({ epoch, round, cpuUs, floorUs }) => {
              const other = of(peers, { epoch, round })[0];
              return other && other.cpuUs > other.floorUs
                ? (cpuUs - floorUs) / (other.cpuUs - other.floorUs)
                : undefined;
            }),
          );
        });
        if (cells.some((cell) => cell !== '–')) rows.push([name, peer, size, node, ...cells]);
      }
    }
  }
  return table(
    [
      'overhead of',
      'as a share of that of',
      'session',
      'Node',
      ...['/read', '/peek', '/write'].map((path) => LABELS[path]),
    ],
    rows,
  );
}

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
              withInterval(
                summary(of(samples, { name, path, size }), ({ cpuUs, floorUs }) => cpuUs - floorUs),
                0,
              ),
            ),
          ]),
      );
      return `Node ${node}\n\n${table(['CPU µs per request over bare Nest', '', ...sizes], rows)}`;
    })
    .join('\n\n');
}

/** The bars of a chart: the figures of `timesFloor` for one Node version and floor. */
export function bars(all, node, floor, path) {
  const samples = of(all, { node, size: 'one number', path });
  return named(samples, floor)
    .map((name) => ({
      name,
      isOurs: isOurs(name),
      ...summary(of(samples, { name }), ({ cpuUs, floorUs }) => cpuUs / floorUs),
    }))
    .filter(({ median: value }) => value !== undefined);
}

const isOurs = (name) => contestants.find((one) => one.name === name)?.isOurs === true;

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

/** Median of a field, as text; a dash where the field was not measured. */
function mid(list, field, digits) {
  return list[0]?.[field] === undefined ? '–' : number(median(list.map((one) => one[field])), digits);
}
