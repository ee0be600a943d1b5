import type { PatternFigures } from './figures.js';
import { after, fixed, percent, short, withInterval } from './texts.js';

/** A cell of the table: its text, and how good that is for who runs the servers. */
export interface TableCell {
  readonly text: string;
  readonly grade: Grade;
}

export type Grade = 'good' | 'fair' | 'poor' | 'none';

/** A column of the table of architectures. */
export interface Column {
  readonly title: string;

  /** What the figures in it are. */
  readonly note: string;
  cell(figures: PatternFigures): TableCell;
}

const plain = (text: string): TableCell => ({ text, grade: 'none' });

/** The columns of the table in DESIGN, section 1, with what was measured in them. */
export const columns: readonly Column[] = [
  { title: '#', note: '', cell: ({ pattern }) => plain(`${pattern.number}`) },
  { title: 'pattern', note: '', cell: ({ pattern }) => plain(`${pattern.name}: ${pattern.title}`) },
  { title: 'state lives in', note: '', cell: ({ pattern }) => plain(pattern.livesIn) },
  {
    title: 'balancing',
    note:
      'coefficient of variation over servers: of requests, new clients / returning, and of CPU, unequal requests; ' +
      'when a fourth server has its share',
    cell: balancingCell,
  },
  {
    title: 'usable',
    note: 'reads that find their session',
    cell: ({ usable }) => ({
      text: percent(usable),
      grade: !usable ? 'none' : usable.value > 0.99 ? 'good' : 'poor',
    }),
  },
  {
    title: 'survives',
    note: 'sessions that are gone: one server killed / all killed / rolling restart',
    cell: survivalCell,
  },
  {
    title: 'speed',
    note: 'median ms of a read / of a write [interval]; writes per second',
    cell: ({ speed }) => {
      const pages = speed?.normal;
      if (!pages) return plain('–');
      const read = pages['read'] ?? pages['stateless'];
      const [r, w] = [withInterval(read?.p50, 1), withInterval(pages['small']?.p50, 1)];
      const text = `${r} / ${w} ms; ${short(pages['small']?.throughput?.value, 0, '/s')}`;
      return plain(text);
    },
  },
  {
    title: 'cost per server',
    note: 'MB per 100,000 sessions on a server, and in the store; µs CPU of servers per write',
    cell: ({ memory, speed }) => {
      const cpu = withInterval(speed?.normal['small']?.serverCpu, 0);
      if (!memory) return plain(`${cpu} µs`);
      const store = memory.store > 0 ? ` + ${fixed(memory.store, 0)} in the store` : '';
      return plain(`${fixed(memory.servers / 3, 0)} MB${store}; ${cpu} µs`);
    },
  },
  {
    title: 'to run',
    note: 'kinds of processes, ports, settings that must agree, things to know: counted in `deploy`',
    cell: ({ difficulty: { parts, ports, agreeing, toKnow } }) =>
      plain(`kinds ${parts.length}, ports ${ports.length}, settings ${agreeing.length}, to know ${toKnow.length}`),
  },
];

function balancingCell({ balance, join }: PatternFigures): TableCell {
  const of = (name: 'new' | 'kept'): string => short(balance[name]?.requests?.value, 2);
  const fourth = join ? `; s4: returning ${after(join.returning)}, new ${after(join.newcomer)}` : '';
  const grade = !join ? 'none' : join.returning === Infinity ? 'fair' : 'good';
  return { text: `${of('new')} / ${of('kept')} / ${short(balance.unequal?.cpu, 2)}${fourth}`, grade };
}

function survivalCell({ faults, pattern }: PatternFigures): TableCell {
  if (pattern.name === 'plain') return plain('–');
  const gone = ['kill-one', 'kill-all', 'rolling-restart'].map((name) => faults[name]?.gone?.value);
  const text = gone.map((share) => (share === undefined ? '–' : `${fixed(share * 100, 0)} %`)).join(' / ');
  const known = gone.filter((share) => share !== undefined);
  const grade = known.length === 0 ? 'none' : known.every((share) => share === 0) ? 'good' : gone[0] ? 'poor' : 'fair';
  return { text, grade };
}
