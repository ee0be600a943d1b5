import { afterEach, describe, expect, it } from '@jest/globals';
import { SessionError } from 'nestjs-session-beans';
import { ReplicatedSessionStore } from 'nestjs-session-beans-replicated';
import { accessOf } from 'nestjs-session-beans/store-kit';
import type { ReplicationTimers } from '../../libs/replicated/src/options/replication-timers.js';
import type {
  AnswerReplicationCall,
  ReplicationTransport,
} from '../../libs/replicated/src/transports/replication-transport.js';
import { generateSessionId } from '../../libs/session/src/store/session-id.js';
import { SummedCounter } from '../consistency/counters.js';
import { SimulatedClient, SimulatedServer } from '../consistency/simulated-server.js';
import { rounds } from '../support/rounds.js';
import { Mutator } from './mutator.js';
import { expectCases } from './expect-cases.js';

const NAMES = ['s1', 's2', 's3'] as const;
type Name = (typeof NAMES)[number];

const SEPARATORS = ['{', '}', '[', ']', ',', ':', '"', '-', '0', '"v":1,', '"type":"put",', 's1', 's2', 's3', '-1'];

/** No member sends this often. Beats would go on during the cases, which are to depend on the seed alone. */
const HEARTBEAT_MS = 123;

/** Whoever waits is called in the next turn of the event loop, and finds that the time is over. */
class PromptTimers implements ReplicationTimers {
  private time = 0;

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): () => void {
    if (ms === HEARTBEAT_MS || ms >= 10_000) return () => undefined;
    const immediate = setImmediate(() => {
      this.time += ms;
      callback();
    });
    return () => clearImmediate(immediate);
  }

  afterTurn(callback: () => void): void {
    setImmediate(callback);
  }
}

/** Members that are called in one process, with the text of every message and every answer between them. */
class Members {
  readonly messages: { readonly from: Name; readonly text: string }[] = [];
  readonly answers: string[] = [];
  readonly listening = new Map<string, AnswerReplicationCall>();
  readonly stores = new Map<Name, ReplicatedSessionStore>();
  private readonly servers = new Map<Name, SimulatedServer>();

  /** What arrives of a message or of an answer. */
  onTheWay: (text: string) => string = (text) => text;

  async open(): Promise<this> {
    const members = NAMES.map((name, i) => ({ name, host: '127.0.0.1', port: 7001 + i }));
    for (const nodeName of NAMES) {
      const transport = this.transportOf(nodeName);
      const options = { secret: 'at least sixteen bytes', heartbeatMs: HEARTBEAT_MS, onEvent: () => undefined };
      const timers = new PromptTimers();
      const store = new ReplicatedSessionStore({ nodeName, members, transport, timers, ...options });
      this.stores.set(nodeName, store);
    }
    await Promise.all([...this.stores.values()].map((store) => store.open()));
    return this;
  }

  server(name: Name): SimulatedServer {
    const store = this.stores.get(name) as ReplicatedSessionStore;
    const server = this.servers.get(name) ?? new SimulatedServer({ store, beans: [SummedCounter] });
    this.servers.set(name, server);
    return server;
  }

  /** Requests on all members, so that they send each other messages of every kind. */
  async live(): Promise<readonly SimulatedClient[]> {
    const clients: SimulatedClient[] = [];
    for (let i = 0; i < 6; i++) {
      const at = (n: number): SimulatedServer => this.server(NAMES[(i + n) % NAMES.length] as Name);
      const client = await at(0).startSession((request) => void (request.bean(SummedCounter).value = i + 1));
      clients.push(client);
      await at(0).handle(client, (request) => request.bean(SummedCounter).value++);
      await at(1).handle(client, (request) => request.renewId());
      await at(2).handle(client, (request) => request.http.runExclusive(() => request.bean(SummedCounter).value++));
      if (i % 2 === 0) await at(0).handle(client, (request) => request.http.login('alice'));
      if (i === 5) await at(1).handle(client, (request) => request.http.logout());
    }
    await this.stores.get('s1')?.supersede(accessOf(generateSessionId()));
    await this.list('s1');
    // Members ask this about sessions that move while they are listed.
    const keys = clients.flatMap(({ id }) => (id === undefined ? [] : accessOf(id).key));
    const resolve = { v: 1, type: 'resolve', principal: 'alice', parts: ['summed'], keys };
    await this.transportOf('s2').call({ name: 's1', host: '', port: 1 }, JSON.stringify(resolve), 1_000);
    return clients;
  }

  /** The sessions of a user, and of nobody else. */
  async list(name: Name): Promise<void> {
    const { principals } = this.stores.get(name) as ReplicatedSessionStore;
    const { sessions } = await principals.list('alice', { limit: 100, parts: ['summed'] });
    for (const { key, record } of sessions)
      if (record.principal !== 'alice') throw new Error(`${key} is listed for alice, and is ${record.principal}'s`);
  }

  /** Its counts are right: with one that is no number, the bounds of the store would be gone. */
  expectInOrder(name: Name): void {
    const { bytes, size, primaries } = this.stores.get(name) as ReplicatedSessionStore;
    const isInOrder = bytes >= 0 && size >= 0 && primaries >= 0 && primaries <= size;
    if (!isInOrder) throw new Error(`${name} has ${size} sessions, serves ${primaries}, and counts ${bytes} bytes`);
  }

  async close(): Promise<void> {
    this.onTheWay = (text) => text;
    await Promise.all([...this.stores.values()].map((store) => store.close()));
  }

  private transportOf(from: Name): ReplicationTransport {
    return {
      listen: async (answer) => void this.listening.set(from, answer),
      call: async ({ name }, text) => {
        const answer = await this.listening.get(name)?.(from, this.onTheWay(text));
        if (answer === undefined) throw new Error('nobody listens');
        this.messages.push({ from, text });
        this.answers.push(answer);
        return this.onTheWay(answer);
      },
      close: async () => void this.listening.delete(from),
    };
  }
}

let members: Members;
afterEach(() => members.close());

/** One of each shape: kind of message, and which fields it has. */
function oneOfEach<T>(all: readonly T[], textOf: (one: T) => string): readonly T[] {
  const shape = (text: string): string => text.replaceAll(/"(?:\\.|[^"\\])*"(?!:)|-?\d[\d.e+]*/g, '').slice(0, 400);
  return [...new Map(all.map((one) => [shape(textOf(one)), one])).values()];
}

async function expectServes(name: Name): Promise<void> {
  const server = members.server(name);
  const client = await server.startSession((request) => void (request.bean(SummedCounter).value = 7));
  const value = await server.handle(client, (request) => request.bean(SummedCounter).value);
  if (value !== 7) throw new Error(`a new session at ${name} holds ${value}`);
  await server.handle(client, (request) => request.invalidate());
}

describe('messages that are nearly those of a member', () => {
  const CASES = rounds(500, 60_000);
  const KINDS = ['claim', 'drop', 'end', 'list', 'peek', 'ping', 'put', 'resolve'];

  it(`are answered, and change no session into one that cannot be read: ${CASES} cases`, async () => {
    members = await new Members().open();
    const clients = await members.live();
    const messages = oneOfEach(members.messages, ({ text }) => text);
    const types = new Set(messages.map(({ text }) => (JSON.parse(text) as { type: string }).type));
    expect([...types].toSorted()).toEqual(expect.arrayContaining(KINDS));
    await expectCases(21, CASES, (random) => {
      const mutator = new Mutator(random, SEPARATORS);
      const { from, text } = random.pick(messages);
      const other = random.pick(messages).text;
      const kind = random.next();
      const message =
        kind < 0.6 ? mutator.damagedJson(text) : kind < 0.95 ? mutator.damaged(text, other) : mutator.noise();
      const client = random.pick(clients);
      return {
        input: { from, message },
        async run() {
          const answer = await members.listening.get('s1')?.(from === 's1' ? 's2' : from, message);
          const { v, type } = JSON.parse(answer ?? 'null') as { v?: unknown; type?: unknown };
          if (v !== 1 || typeof type !== 'string') throw new Error(`is answered ${answer}`);
          members.expectInOrder('s1');
          await attempt(() => members.server('s1').handle(client.copy(), (request) => void request.exists));
        },
      };
    });
    // A member that was told of a later process of another one rightly refuses what comes from the earlier.
    for (const name of NAMES) await attempt(() => expectServes(name));
  });
});

describe('messages and answers that are damaged on their way', () => {
  const CASES = rounds(200, 20_000);

  it(`are refused, or have no effect on other sessions: ${CASES} cases`, async () => {
    members = await new Members().open();
    const kept = await members.live();
    await expectCases(22, CASES, (random) => {
      const mutator = new Mutator(random, SEPARATORS);
      const [begins, goesOn] = [random.pick(NAMES), random.pick(NAMES)];
      const input: string[] = [];
      const damage = (text: string): string => {
        if (input.length >= 3 || random.chance(0.5)) return text;
        input.push(random.chance(0.8) ? mutator.damagedJson(text) : mutator.damaged(text, text));
        return input.at(-1) ?? text;
      };
      return {
        input: { begins, goesOn, damaged: input },
        async run() {
          const isLate = random.chance(0.5);
          if (!isLate) members.onTheWay = damage;
          await attempt(async () => {
            const client = await members.server(begins).startSession();
            members.onTheWay = damage;
            if (random.chance(0.3)) await members.list(goesOn);
            await members.server(goesOn).handle(client, async (request) => {
              if (!request.exists) return;
              request.bean(SummedCounter).value++;
              await request.http.flush();
              if (random.chance(0.5)) request.renewId();
              else await request.http.logout();
            });
          });
          members.onTheWay = (text) => text;
          for (const name of NAMES) members.expectInOrder(name);
        },
      };
    });
    for (const name of NAMES) await expectServes(name);
    for (const [i, client] of kept.entries()) {
      const value = await members
        .server('s2')
        .handle(client, (request) => request.exists && request.bean(SummedCounter).value);
      expect([false, i + 3]).toContain(value);
    }
  });
});

/** A request may be refused, by an error that is documented. */
async function attempt(request: () => Promise<void>): Promise<void> {
  try {
    await request();
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
  }
}
