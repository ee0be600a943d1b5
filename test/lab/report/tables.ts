import type { BlockSample } from '../samples.js';
import { type TableCell, columns } from './cells.js';
import type { Figures } from './figures.js';
import type { SpeedFigures } from './speed-figures.js';
import { after, fixed, percent, short, withInterval } from './texts.js';
import { verdictsOf } from './verdicts.js';

/** A table of a report, in Markdown and in HTML. */
export interface Table {
  readonly title: string;
  readonly note: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly TableCell[])[];
}

const plain = (text: string): TableCell => ({ text, grade: 'none' });
const yes = (isGood: boolean, text: string): TableCell => ({ text, grade: isGood ? 'good' : 'poor' });

/** What a report begins with: the table of architectures, whether it is as known, and what failed. */
export function summaryTables(figures: Figures): Table[] {
  return withRows([architectureTable(figures), verdictTable(figures), failedTable(figures)]);
}

/** Everything that the first table sums up. */
export function detailTables(figures: Figures): Table[] {
  return withRows([
    faultTable(figures),
    balanceTable(figures),
    speedTable(figures, 'normal'),
    speedTable(figures, 'one server down'),
    replicationTable(figures),
    resourceTable(figures),
    consistencyTable(figures),
    difficultyTable(figures),
    troubleTable(figures),
  ]);
}

function withRows(tables: readonly Table[]): Table[] {
  return tables.filter(({ rows }) => rows.length > 0);
}

function architectureTable({ patterns }: Figures): Table {
  return {
    title: 'The table of architectures, measured',
    note: columns.flatMap(({ title, note }) => (note === '' ? [] : [`${title}: ${note}`])).join('. '),
    head: columns.map(({ title }) => title),
    rows: patterns.map((figures) => columns.map((column) => column.cell(figures))),
  };
}

function verdictTable(figures: Figures): Table {
  return {
    title: 'Does it agree with what is known?',
    note: 'Each claim of the known table beside what was measured here.',
    head: ['claim', 'verdict', 'measured', 'if not, why'],
    rows: verdictsOf(figures).map(({ claim, agrees, measured, note = '' }) => [
      plain(claim),
      agrees === undefined ? plain('not played') : yes(agrees, agrees ? 'agrees' : 'disagrees'),
      plain(measured),
      plain(agrees === false ? note : ''),
    ]),
  };
}

function failedTable({ patterns }: Figures): Table {
  return {
    title: 'Steps that failed',
    note: 'They have no figures below.',
    head: ['pattern', 'step', 'why'],
    rows: patterns.flatMap(({ pattern, failed }) =>
      Object.entries(failed).map(([step, why]) => [plain(pattern.name), yes(false, step), plain(why)]),
    ),
  };
}

function faultTable({ patterns }: Figures): Table {
  return {
    title: 'Persistence: what clients saw when something broke',
    note:
      'Sessions that are gone, and acknowledged updates that sessions lack which are there. Requests without a 200 ' +
      'from the fault on; 0: the connection ended. Seconds until no request was refused, or slower than a second.',
    head: ['pattern', 'what happened', 'sessions gone', 'updates gone', 'requests refused', 'statuses', 'whole after'],
    rows: patterns.flatMap(({ pattern, faults }) =>
      Object.entries(faults).map(([name, { gone, updatesGone, refused, statuses, wholeAfter }]) => [
        plain(`${pattern.number} ${pattern.name}`),
        plain(name),
        gone ? yes(gone.value === 0, percent(gone)) : plain('–'),
        yes(updatesGone === 0, `${updatesGone}`),
        plain(refused ? `${fixed(refused.value * 100, 1)} %` : '–'),
        plain(
          Object.entries(statuses)
            .map(([status, count]) => `${status}: ${count}`)
            .join(', ') || '–',
        ),
        plain(`${fixed(wholeAfter, 1)} s`),
      ]),
    ),
  };
}

function balanceTable({ patterns }: Figures): Table {
  return {
    title: 'Balancing: coefficients of variation over three servers',
    note: 'Requests [interval], then connections and CPU. 0 is even; 1.41 is everything on one server.',
    head: [
      'pattern',
      'new clients',
      'returning',
      'returning, no keep-alive',
      'unequal requests',
      's4 has its share',
      'sessions lost',
    ],
    rows: patterns
      .filter(({ balance }) => balance.kept)
      .map(({ pattern, balance, join }) => [
        plain(`${pattern.number} ${pattern.name}`),
        ...(['new', 'kept', 'unkept', 'unequal'] as const).map((population) => {
          const figures = balance[population];
          return plain(
            `${withInterval(figures?.requests, 2)}; ${short(figures?.connections, 2)}; ${short(figures?.cpu, 2)}`,
          );
        }),
        plain(
          join
            ? `returning: ${after(join.returning)}, new: ${after(join.newcomer)}; watched for ${after(join.watched)}`
            : '–',
        ),
        join ? yes(join.gone === 0, `${join.gone}`) : plain('–'),
      ]),
  };
}

function speedTable({ patterns }: Figures, state: BlockSample['state']): Table {
  const pages = ['stateless', 'read', 'small', 'stateful', 'list'];
  return {
    title: state === 'normal' ? 'Speed of the pages' : 'Speed while one server is down',
    note:
      'p50 / p99 in ms and requests per second, eight clients at once, all processes on one machine. `small` changes ' +
      'a number, `stateful` a cart of 10 articles, `list` a cart of 300. The baseline answers as many bytes ' +
      'without a session.',
    head: ['pattern', ...pages],
    rows: patterns.flatMap(({ pattern, speed }) => {
      const measured = speed?.[state] ?? {};
      if (Object.keys(measured).length === 0) return [];
      return [
        [
          plain(`${pattern.number} ${pattern.name}`),
          ...pages.map((page) => {
            const figures = measured[page];
            if (!figures) return plain('–');
            const failed = figures.failed > 0 ? ` (${figures.failed} without success)` : '';
            const latency = `${withInterval(figures.p50, 1)} / ${withInterval(figures.p99, 1)}`;
            return plain(`${latency}; ${withInterval(figures.throughput, 0)}/s${failed}`);
          }),
        ],
      ];
    }),
  };
}

/** Throughput without replication and with it, of memcached-session-manager: the public table of the same pages. */
const PUBLISHED: readonly (readonly [page: string, without: number, replicated: number])[] = [
  ['stateless', 2038, 2038],
  ['small', 1506, 1310],
  ['stateful', 920, 713],
  ['list', 326, 191],
];

function replicationTable({ patterns }: Figures): Table {
  const of = (name: string): SpeedFigures | undefined => patterns.find(({ pattern }) => pattern.name === name)?.speed;
  const [sticky, replicated] = [of('sticky'), of('replicated')];
  return {
    title: 'What replication costs, by the size of the session',
    note:
      'Throughput that pattern 3 loses beside pattern 2. memcached-session-manager has published the same for its ' +
      'pages, with the javolution serializer: another machine and language, so only the percentages compare.',
    head: ['page', '2 sticky', '3 replicated', 'cost', 'cost there'],
    rows:
      sticky && replicated
        ? PUBLISHED.map(([page, without, withIt]) => {
            const [one, other] = [sticky.normal[page]?.throughput, replicated.normal[page]?.throughput];
            return [
              plain(page),
              plain(`${withInterval(one, 0)}/s`),
              plain(`${withInterval(other, 0)}/s`),
              plain(one && other ? cost(one.value, other.value) : '–'),
              plain(cost(without, withIt)),
            ];
          })
        : [],
  };
}

function cost(without: number, withIt: number): string {
  return `${fixed((1 - withIt / without) * 100, 0)} %`;
}

function resourceTable({ patterns }: Figures): Table {
  return {
    title: 'Resources',
    note:
      'MB of 100,000 sessions with one number, of which a near cache keeps 10,000 per server, its default; CPU in µs ' +
      'per write; bytes between servers, or between them and the store, per request.',
    head: [
      'pattern',
      'all servers',
      'store',
      'CPU of servers',
      'CPU of the store',
      'CPU of the balancer',
      'bytes per read',
      'bytes per write',
    ],
    rows: patterns.flatMap(({ pattern, memory, bytes, speed }) => {
      const write = speed?.normal['small'];
      if (!memory && !write) return [];
      return [
        [
          plain(`${pattern.number} ${pattern.name}`),
          plain(memory ? `${fixed(memory.servers, 0)} MB` : '–'),
          plain(memory && pattern.hasStore ? `${fixed(memory.store, 0)} MB` : '–'),
          plain(withInterval(write?.serverCpu, 0)),
          plain(pattern.hasStore ? withInterval(write?.storeCpu, 0) : '–'),
          plain(withInterval(write?.balancerCpu, 0)),
          plain(short(bytes?.read, 0)),
          plain(short(bytes?.write, 0)),
        ],
      ];
    }),
  };
}

function consistencyTable({ patterns }: Figures): Table {
  const names = [...new Set(patterns.flatMap(({ consistency }) => Object.keys(consistency ?? {})))];
  return {
    title: 'Consistency of concurrent requests',
    note: 'Three clients share each session. Violations that the checkers of the tests found, of so many chances.',
    head: ['pattern', ...names],
    rows: patterns.flatMap(({ pattern, consistency }) =>
      consistency
        ? [
            [
              plain(`${pattern.number} ${pattern.name}`),
              ...names.map((name) => {
                const { value = 0, total = 0 } = consistency[name] ?? {};
                // Reads of a near cache may be stale, within its bound.
                const text = `${value} of ${total}`;
                return name === 'stale reads' ? plain(text) : yes(value === 0, text);
              }),
            ],
          ]
        : [],
    ),
  };
}

function difficultyTable({ patterns }: Figures): Table {
  return {
    title: 'Difficulty, counted in the files of deploy',
    note: 'Where a setting must agree in two places, and what an operator must know that the files say in words.',
    head: ['pattern', 'processes', 'ports', 'settings that must agree', 'to know'],
    rows: patterns.map(({ pattern, difficulty: { parts, ports, agreeing, toKnow } }) => [
      plain(`${pattern.number} ${pattern.name}`),
      plain(parts.join(', ')),
      plain(ports.join(', ')),
      plain(`${agreeing.length}${agreeing.length > 0 ? `: ${agreeing.join('; ')}` : ''}`),
      plain(`${toKnow.length}${toKnow.length > 0 ? `: ${toKnow.join('; ')}` : ''}`),
    ]),
  };
}

function troubleTable({ troubles }: Figures): Table {
  const right = troubles.filter(({ isRight }) => isRight).length;
  return {
    title: `The trouble finder: the right phase first in ${right} of ${troubles.length}`,
    note:
      'Each trouble by itself; the phases of the slow requests beyond those of calm ones, from the logs of the ' +
      'balancer and of the servers, joined by request id.',
    head: ['trouble', 'blamed first', 'expected', 'innocent but blamed', 'what else tells'],
    rows: troubles.map(({ title, first, excessMs, expected, isRight, blamed, evidence }) => [
      plain(title),
      yes(isRight, `${first} +${fixed(excessMs[first] ?? 0, 0)} ms`),
      plain(expected.join(' or ')),
      yes(blamed.length === 0, blamed.join(', ') || 'none'),
      plain(evidence),
    ]),
  };
}
