import { afterEach, describe, expect, it } from '@jest/globals';
import { SessionError } from 'nestjs-session-beans';
import { ReplicatedSessionStore } from 'nestjs-session-beans-replicated';
import { accessOf } from 'nestjs-session-beans/store-kit';
import type {
  AnswerReplicationCall,
  ReplicationTransport,
} from '../../libs/replicated/src/transports/replication-transport.js';
import { generateSessionId } from '../../libs/session/src/store/session-id.js';
import { SummedCounter } from '../consistency/counters.js';
import { SimulatedClient, SimulatedServer } from '../consistency/simulated-server.js';
import { rounds } from '../support/rounds.js';
import { Mutator } from './mutator.js';
import { runCases } from './run-cases.js';

const NAMES = ['s1', 's2', 's3'] as const;
type Name = (typeof NAMES)[number];

const SEPARATORS = ['{', '}', '[', ']', ',', ':', '"', '-', '0', '"v":1,', '"type":"put",', 's1', 's2', 's3', '-1'];

/** Members that are called in one process, with the text of every message and every answer between them. */
class Members {
  readonly messages: { readonly from: Name; readonly text: string }[] = [];
  readonly answers: string[] = [];
  readonly listening = new Map<string, AnswerReplicationCall>();
  readonly stores = new Map<Name, ReplicatedSessionStore>();
  private readonly servers = new Map<Name, SimulatedServer>();

  /** What a member gets in place of an answer. */
  override: (answer: string) => string = (answer) => answer;

  async open(): Promise<this> {
    const members = NAMES.map((name, i) => ({ name, host: '127.0.0.1', port: 7001 + i }));
    for (const nodeName of NAMES) {
      const transport = this.transportOf(nodeName);
      const secret = 'at least sixteen bytes';
      // Beats would go on during the cases, and not depend on the seed alone.
      const times = { heartbeatMs: 60_000, leaseMs: 300_000, lostAfterMs: 600_000, goneAfterMs: 6_000_000 };
      const store = new ReplicatedSessionStore({ nodeName, members, transport, secret, ...times, onEvent: () => {} });
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
    return clients;
  }

  async close(): Promise<void> {
    this.override = (answer) => answer;
    await Promise.all([...this.stores.values()].map((store) => store.close()));
  }

  private transportOf(from: Name): ReplicationTransport {
    return {
      listen: async (answer) => void this.listening.set(from, answer),
      call: async ({ name }, text) => {
        const answer = await this.listening.get(name)?.(from, text);
        if (answer === undefined) throw new Error('nobody listens');
        this.messages.push({ from, text });
        this.answers.push(answer);
        return this.override(answer);
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
  const CASES = rounds(1_500, 60_000);

  it(`are answered, and change no session into one that cannot be read: ${CASES} cases`, async () => {
    members = await new Members().open();
    const clients = await members.live();
    const messages = oneOfEach(members.messages, ({ text }) => text);
    const types = new Set(messages.map(({ text }) => (JSON.parse(text) as { type: string }).type));
    expect([...types].toSorted()).toEqual(expect.arrayContaining(['claim', 'drop', 'end', 'peek', 'ping', 'put']));
    const store = members.stores.get('s1') as ReplicatedSessionStore;
    const bytesAtMost = 50_000_000;
    await runCases(21, CASES, (random) => {
      const mutator = new Mutator(random, SEPARATORS);
      const { from, text } = random.pick(messages);
      const other = random.pick(messages).text;
      const kind = random.next();
      const message = kind < 0.6 ? mutator.damagedJson(text) : kind < 0.95 ? mutator.damaged(text, other) : mutator.noise();
      const client = random.pick(clients);
      return {
        input: { from, message },
        async run() {
          const answer = await members.listening.get('s1')?.(from === 's1' ? 's2' : from, message);
          const { v, type } = JSON.parse(answer ?? 'null') as { v?: unknown; type?: unknown };
          if (v !== 1 || typeof type !== 'string') throw new Error(`is answered ${answer}`);
          if (!(store.bytes >= 0 && store.bytes < bytesAtMost)) throw new Error(`the store counts ${store.bytes} bytes`);
          if (!(store.size >= 0) || !(store.primaries >= 0)) throw new Error('the store has lost count');
          await attempt(() => members.server('s1').handle(client.copy(), (request) => void request.exists));
        },
      };
    });
    for (const name of NAMES) await expectServes(name);
  });
});

describe('answers that are nearly those of a member', () => {
  const CASES = rounds(500, 20_000);

  it(`are taken as answers, or as a failure of the store: ${CASES} cases`, async () => {
    members = await new Members().open();
    await members.live();
    await runCases(22, CASES, (random) => {
      const mutator = new Mutator(random, SEPARATORS);
      let damages = random.integer(1, 3);
      const at = random.pick(NAMES);
      const input: string[] = [];
      return {
        input,
        async run() {
          const client = await members.server(random.pick(NAMES)).startSession();
          members.override = (answer) => {
            if (damages-- <= 0) return answer;
            const damaged = random.chance(0.7) ? mutator.damagedJson(answer) : mutator.damaged(answer, answer);
            input.push(damaged);
            return damaged;
          };
          await attempt(() =>
            members.server(at).handle(client, async (request) => {
              if (!request.exists) return;
              request.bean(SummedCounter).value++;
              await request.http.flush();
              if (random.chance(0.5)) request.renewId();
              else await request.http.logout();
            }),
          );
          members.override = (answer) => answer;
        },
      };
    });
    for (const name of NAMES) await expectServes(name);
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
