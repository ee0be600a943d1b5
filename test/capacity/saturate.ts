import { type Socket, connect } from 'node:net';
import { once } from 'node:events';
import type { Command } from 'ioredis';
import type { RedisServer } from '../support/redis-server.js';
import { redisCpuUs } from './measure.js';
import type { Sessions } from './sessions.js';

/** Requests that are under way at once, on all connections together: as many as in a measurement. */
const AT_ONCE = 64;
const CONNECTIONS = 16;

/** The requests of the sessions are replayed so often. */
const ROUNDS = 10;

export interface Saturation {
  readonly requestsPerSecond: number;

  /** Share of a core that Redis had. At 1 it could not do more; below, other processes took the core away. */
  readonly redisShare: number;
}

/** The commands of one request: those of its load, then those of its save if it has one. */
type Request = readonly Buffer[];

/**
 * How many requests a Redis does when nothing else limits it. The commands that the store sends for each request are
 * recorded once, and sent again as bytes, which costs the sender next to nothing. Before each round the sessions are
 * put back as they were, so that each save meets the state from which it was made.
 *
 * @param writes share of the requests that save
 */
export async function saturate(redis: RedisServer, sessions: Sessions, writes: number): Promise<Saturation> {
  const keys = sessions.accesses.map((access) => sessions.keyOf(access));
  const texts = await Promise.all(keys.map((key) => sessions.client.getBuffer(key)));
  const requests = await record(sessions, writes);
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(redis.port)));
  let [seconds, cpuUs] = [0, 0];
  for (let round = 0; round <= ROUNDS; round++) {
    const pipeline = sessions.client.pipeline();
    for (const [i, key] of keys.entries()) pipeline.set(key, texts[i] as Buffer, 'PX', 3_600_000);
    await pipeline.exec();
    const [begunAt, cpuBefore] = [performance.now(), await redisCpuUs(redis)];
    await Promise.all(
      sockets.map((socket, at) =>
        replay(
          socket,
          requests.filter((_, i) => i % CONNECTIONS === at),
        ),
      ),
    );
    // The first round warms up.
    if (round === 0) continue;
    seconds += (performance.now() - begunAt) / 1_000;
    cpuUs += (await redisCpuUs(redis)) - cpuBefore;
  }
  for (const socket of sockets) socket.destroy();
  await expectSaved(sessions, keys, texts, requests);
  return { requestsPerSecond: (ROUNDS * requests.length) / seconds, redisShare: cpuUs / 1e6 / seconds };
}

async function record(sessions: Sessions, writes: number): Promise<readonly Request[]> {
  const { client } = sessions;
  const send = client.sendCommand.bind(client);
  let sent: Buffer[] = [];
  client.sendCommand = (command: Command, ...more) => {
    sent.push(Buffer.from(command.toWritable(client.stream)));
    return send(command, ...more);
  };
  const requests: Request[] = [];
  for (const [i, access] of sessions.accesses.entries()) {
    sent = [];
    const found = await sessions.load(access);
    // Spread evenly over the sessions.
    if (Math.floor((i + 1) * writes) > Math.floor(i * writes)) await sessions.save(access, found);
    requests.push(sent);
  }
  client.sendCommand = send;
  return requests;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

/** As a server does it: of the requests under way, all loads leave together, and then all saves. */
async function replay(socket: Socket, requests: readonly Request[]): Promise<void> {
  for (let from = 0; from < requests.length; from += AT_ONCE / CONNECTIONS) {
    const batch = requests.slice(from, from + AT_ONCE / CONNECTIONS);
    for (let step = 0; step < Math.max(...batch.map((request) => request.length)); step++) {
      const commands = batch.flatMap((request) => request[step] ?? []);
      socket.write(Buffer.concat(commands));
      await replies(socket, commands.length);
    }
  }
}

/** Resolves when so many replies have come. */
function replies(socket: Socket, count: number): Promise<void> {
  let text: Buffer = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      text = text.length === 0 ? chunk : Buffer.concat([text, chunk]);
      for (let end = endOfReply(text, 0); end >= 0; end = endOfReply(text, 0)) {
        if (text[0] === ERROR) return reject(new Error(String(text.subarray(0, end))));
        text = text.subarray(end);
        if (--count > 0) continue;
        socket.off('data', onData);
        return resolve();
      }
    };
    socket.on('data', onData);
  });
}

const ERROR = '-'.charCodeAt(0);
const BULK = '$'.charCodeAt(0);
const ARRAY = '*'.charCodeAt(0);

/** Where a reply of RESP 2 or 3 that begins at `from` ends; -1 while it is not whole. */
function endOfReply(text: Buffer, from: number): number {
  const line = text.indexOf('\r\n', from);
  if (line < 0) return -1;
  const type = text[from];
  const length = Number(text.toString('latin1', from + 1, line));
  if (type === BULK) {
    const end = length < 0 ? line + 2 : line + 4 + length;
    return end <= text.length ? end : -1;
  }
  let end = line + 2;
  if (type === ARRAY) for (let i = 0; i < length && end >= 0; i++) end = endOfReply(text, end);
  return end;
}

/** A save that was refused would have cost Redis something else. */
async function expectSaved(
  { client }: Sessions,
  keys: readonly string[],
  before: readonly (Buffer | null)[],
  requests: readonly Request[],
): Promise<void> {
  const after = await Promise.all(keys.map((key) => client.getBuffer(key)));
  const changed = after.filter((text, i) => !text?.equals(before[i] as Buffer)).length;
  const saves = requests.filter((request) => request.length > 1).length;
  if (changed !== saves) throw new Error(`${saves} saves were replayed, and ${changed} sessions have changed`);
}
