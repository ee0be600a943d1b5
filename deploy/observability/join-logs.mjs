// Joins the log of a balancer with the records of its servers. The result shows where the time of each request went,
// from the balancer to the database.
//
//   node deploy/observability/join-logs.mjs [--json] [--slowest 20] haproxy.log s1.log s2.log s3.log
//
// The files may be in any order and mixture; without files it reads standard input. It understands the lines of
// haproxy-log.cfg and nginx-log.conf.template, and the records that servers log with `slowRequestMs` (SLOW_REQUEST_MS
// of the sample; 0 logs all). It ignores other lines. It prints two tables, of the servers and of the slowest requests,
// with all times in ms.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const PHASES = [
  'queue',
  'framework',
  'sessionLoad',
  'lockWait',
  'decode',
  'application',
  'downstream',
  'encode',
  'sessionSave',
  'response',
];

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, slowest: { type: 'string', default: '20' } },
  allowPositionals: true,
});
const logs = (positionals.length > 0 ? positionals : [0]).map((file) => readFileSync(file, 'utf8')).join('\n');

const passed = [];
const records = new Map();
for (const line of logs.split('\n')) {
  const entry = entryIn(line);
  if (entry?.balancer === 'haproxy') passed.push(ofHaproxy(entry));
  else if (entry?.balancer === 'nginx') passed.push(ofNginx(entry));
  else if (entry?.requestId !== undefined) records.set(entry.requestId, entry);
}

const requests = passed.map((request) => joined(request, records.get(request.id)));
const servers = byServer(requests);
if (values.json) {
  console.log(JSON.stringify({ servers, requests }));
} else {
  const slowest = requests.toSorted((a, b) => b.total - a.total).slice(0, Number(values.slowest));
  console.log(table(servers));
  console.log(table(slowest.map(rowOf)));
}

/** Parses the entry in a line. It may be anywhere in the line, because loggers add prefixes and colours. */
function entryIn(line) {
  const start = line.search(/\{"(?:balancer":|event":"session\.request")/);
  if (start === -1) return undefined;
  try {
    return JSON.parse(line.slice(start, line.lastIndexOf('}') + 1));
  } catch {
    return undefined;
  }
}

function ofHaproxy({
  id,
  at,
  server,
  route,
  status,
  total,
  receive,
  queue,
  connect,
  answer,
  connections,
  serverConnections,
  retries,
}) {
  return {
    id,
    at: at * 1000,
    server: server.startsWith('<') ? undefined : server,
    route: route === '-' ? undefined : route || undefined,
    status,
    total,
    receive: Math.max(0, receive),
    balancerQueue: Math.max(0, queue),
    connect: Math.max(0, connect),
    answer: Math.max(0, answer),
    connections,
    serverConnections,
    retries: Number.parseInt(retries.replace('+', ''), 10) || 0,
  };
}

function ofNginx({ id, at, address, route, status, total, connect, answer, response, connections }) {
  const addresses = address.split(/, | : /).filter((one) => one.includes(':'));
  return {
    id,
    at: at * 1000 - total * 1000,
    server: undefined,
    address: addresses.at(-1),
    route: route || undefined,
    status,
    total: Math.round(total * 1000),
    receive: undefined,
    // The time that no server spent was spent by the client, or in the balancer.
    balancerQueue: Math.max(0, Math.round(total * 1000) - timesIn(response).reduce((sum, time) => sum + time, 0)),
    connect: timesIn(connect).at(-1),
    answer: timesIn(answer).at(-1),
    connections: Number(connections),
    serverConnections: undefined,
    retries: Math.max(0, addresses.length - 1),
  };
}

/** Parses times of nginx to ms: "0.001, 0.004" or "0.001 : 0.004" if several servers were tried, "-" if none was. */
function timesIn(text) {
  return text.split(/[,:] */).map((time) => Math.round(Number.parseFloat(time) * 1000) || 0);
}

/** Combines the two views of a request. A request that was faster than `slowRequestMs` has no record of its server. */
function joined(request, record) {
  const phases = record && Object.fromEntries(PHASES.map((phase) => [phase, record.phaseSeconds[phase] * 1000]));
  const server = request.server ?? record?.nodeName ?? request.address ?? '(none)';
  if (!record) return { ...request, server };
  const { handler, session, cache, bytes, pending, isMisrouted, downstream } = record;
  // Neither side accounts for the network, and for the kernel's queue of connections that are not accepted yet.
  const between = Math.max(
    0,
    Math.round(
      request.total - (request.receive ?? 0) - request.balancerQueue - request.connect - record.durationSeconds * 1000,
    ),
  );
  return { ...request, server, between, handler, session, cache, bytes, pending, isMisrouted, downstream, phases };
}

function byServer(all) {
  const names = [...new Set(all.map(({ server }) => server))].toSorted((a, b) => a.localeCompare(b));
  return names.map((server) => {
    const own = all.filter((request) => request.server === server);
    const totals = own.map(({ total }) => total).toSorted((a, b) => a - b);
    const most = (of) => own.reduce((largest, request) => Math.max(largest, of(request) ?? 0), 0);
    return {
      server,
      requests: own.length,
      share: own.length / all.length,
      p50: totals[Math.floor(totals.length / 2)],
      p95: totals[Math.floor(totals.length * 0.95)],
      mostConnections: most(({ serverConnections }) => serverConnections),
      mostPending: most(({ pending }) => pending),
      longestBalancerQueue: most(({ balancerQueue }) => balancerQueue),
      longestBetween: most(({ between }) => between),
      longestQueue: most(({ phases }) => phases?.queue),
      misrouted: own.filter(({ isMisrouted }) => isMisrouted).length,
    };
  });
}

function rowOf({
  at,
  total,
  server,
  route,
  status,
  receive,
  balancerQueue,
  connect,
  between,
  connections,
  serverConnections,
  pending,
  handler,
  phases,
  bytes,
  cache,
}) {
  return {
    time: new Date(at).toISOString().slice(11, 23),
    total,
    server,
    route: route ?? '-',
    status,
    conns: connections,
    'its conns': serverConnections ?? '-',
    pending: pending ?? '-',
    client: receive ?? '-',
    balancer: balancerQueue,
    connect,
    between: between ?? '-',
    ...(phases ?? Object.fromEntries(PHASES.map((phase) => [phase, '-']))),
    KB: bytes ? bytes.session / 1024 : '-',
    cache: cache ?? '-',
    handler: handler ?? '-',
  };
}

function table(rows) {
  if (rows.length === 0) return '(no requests)\n';
  const titles = Object.keys(rows[0]);
  const cells = [titles, ...rows.map((row) => titles.map((title) => cell(row[title])))];
  const widths = titles.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return `${cells.map((row) => row.map((one, column) => one.padStart(widths[column])).join('  ')).join('\n')}\n`;
}

function cell(value) {
  if (typeof value !== 'number') return String(value);
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 0);
}
