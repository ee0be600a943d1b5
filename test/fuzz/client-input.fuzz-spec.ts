import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type MemorySessionStore, SessionError } from 'nestjs-session-beans';
import { accessOf, sessionHandle } from 'nestjs-session-beans/store-kit';
import { Locators } from '../../libs/replicated/src/copy/locators.js';
import type { IdCarrier } from '../../libs/session/src/http/id/http-id-exchange.js';
import { type SessionToken, SessionTokenFormat } from '../../libs/session/src/http/id/session-token.js';
import { AccessMap } from '../../libs/session/src/live/access-map.js';
import { savesSeen } from '../../libs/session/src/live/freshness.js';
import type { LiveSession } from '../../libs/session/src/live/live-session.js';
import { parseSessionHandle } from '../../libs/session/src/store/session-handle.js';
import { generateSessionId, isSessionId } from '../../libs/session/src/store/session-id.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { SummedCounter } from '../consistency/counters.js';
import { SimulatedCluster } from '../consistency/simulated-cluster.js';
import { SimulatedClient, type SimulatedRequest, keepTold } from '../consistency/simulated-server.js';
import type { SeededRandom } from '../simulation/seeded-random.js';
import { rounds } from '../support/rounds.js';
import { Mutator } from './mutator.js';
import { type FuzzCase, expectCases } from './expect-cases.js';
import { type Way, WireClient, type WireRequest, carriersOf } from './wire-client.js';

const SEPARATORS: Readonly<Record<Way, readonly string[]>> = {
  cookie: ['=', ';', '; ', ',', '.', '-', ' ', '"', 'sid', 'sid=', '__Host-sid=', 'sid-seen=', '$Path=/', 'SID='],
  header: [',', ', ', '.', '-', ' ', '"', ';', '='],
  url: ['?', '&', '=', '#', ';', '/', '.', 'sid', 'sid=', '&sid=', '%73id=', '%26', '%3D', '//', '\\'],
};

/** What a request may do with the session that it has, or has not. */
const DOINGS: Readonly<Record<string, (request: SimulatedRequest) => unknown>> = {
  read: (request) => request.http.exists,
  write: (request) => request.bean(SummedCounter).value++,
  set: (request) => request.http.set('theme', 'dark'),
  renew: (request) => request.renewId(),
  login: (request) => request.http.login('alice'),
  logout: (request) => request.http.logout(),
  flush: async (request) => {
    request.bean(SummedCounter).value++;
    await request.http.flush();
  },
};

const NAMES = Object.keys(DOINGS);

afterEach(() => {
  jest.restoreAllMocks();
});

/** The owners of the sessions that exist: each has another value in its session. */
const OWNERS = 6;

/**
 * Two servers with a near cache in front of one store, and clients whose sessions live. Strangers send what is nearly
 * one of their requests.
 */
class Sessions {
  readonly cluster = new SimulatedCluster({
    servers: 2,
    beans: [SummedCounter],
    clock: new ManualClock(),
    nearCache: keepTold,
  });
  readonly owners: SimulatedClient[] = [];

  constructor(
    private readonly way: Way,
    private readonly carriers: readonly IdCarrier[],
  ) {}

  async open(): Promise<this> {
    for (let i = 0; i < OWNERS; i++) await this.replace(i);
    return this;
  }

  caseOf(random: SeededRandom): FuzzCase {
    const mutator = new Mutator(random, SEPARATORS[this.way]);
    const carrier = random.pick(this.carriers);
    const [owner, other] = [this.ownerOf(random), this.ownerOf(random)];
    const [request, another] = [owner, other].map((each) =>
      WireClient.comeBack(this.way, carrier, this.owners[each] as SimulatedClient),
    ) as [WireRequest, WireRequest];
    const isWhole = random.chance(0.05);
    const damage = (text: string, of: string): string =>
      random.chance(0.1) ? mutator.noise() : mutator.damaged(text, of);
    const input = isWhole ? request : damaged(request, another, damage);
    const doing = random.pick(NAMES);
    return { input: { doing, isWhole, ...input }, run: () => this.run(input, carrier, doing, isWhole, random) };
  }

  private async run(
    input: WireRequest,
    carrier: IdCarrier,
    doing: string,
    isWhole: boolean,
    random: SeededRandom,
  ): Promise<void> {
    const server = this.cluster.server(random.integer(0, 1));
    const client = new WireClient(input, carrier);
    const request = server.request(client);
    let owner: number | undefined;
    try {
      await request.begin();
      owner = this.foundBy(request, input);
      if (isWhole && owner === undefined) throw new Error('a request that nobody damaged found no session');
      await DOINGS[doing]?.(request);
      await request.respond();
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
    } finally {
      request.end();
    }
    await this.settle(client, input, owner);
  }

  /** @returns whose session the request has found */
  private foundBy(request: SimulatedRequest, input: WireRequest): number | undefined {
    if (!request.exists) return undefined;
    const { value } = request.bean(SummedCounter);
    const owner = this.owners.findIndex(({ id }) => id === request.session.id);
    if (owner === -1) throw new Error('an id that was not issued, or is over, has opened a session');
    if (!textOf(input).includes(this.owners[owner]?.id ?? '-')) throw new Error('an id that was not sent was read');
    if (Math.floor(value / 1e6) !== owner + 1) throw new Error(`the session of ${owner} holds ${value}`);
    return owner;
  }

  /** The rules for what the client is answered; then everything is as before. */
  private async settle(client: WireClient, input: WireRequest, owner: number | undefined): Promise<void> {
    const { id } = client;
    for (const line of client.answered) {
      if (!/^[\w-]+: [\x20-\x7e]*$/.test(line)) throw new Error(`a response would have the line ${line}`);
    }
    const isOwn = owner !== undefined && id !== undefined && accessOf(id).key === accessOf(this.idOf(owner)).key;
    if (id !== undefined && !isOwn) {
      const { key } = accessOf(id);
      if (textOf(input).includes(key)) throw new Error(`the session ${id} has begun under a name that was sent`);
      await this.cluster.handle(0, new SimulatedClient(id), (request) => request.invalidate());
    }
    if (isOwn) (this.owners[owner] as SimulatedClient).id = id;
    if (owner !== undefined) await this.keep(owner);
    const { size } = this.cluster.memory;
    if (size !== OWNERS) throw new Error(`the store has ${size} sessions, ${OWNERS} were begun`);
  }

  /** The owner goes on with the session, or with another one where that has ended. */
  private async keep(owner: number): Promise<void> {
    const isWhole = await this.cluster.handle(0, this.owners[owner] as SimulatedClient, async (request) => {
      const isOwn = request.exists && request.bean(SummedCounter).value > 0;
      // A login has reset it.
      if (!isOwn) await request.invalidate();
      return isOwn;
    });
    if (!isWhole) await this.replace(owner);
  }

  private async replace(owner: number): Promise<void> {
    this.owners[owner] = await this.cluster
      .server(0)
      .startSession((request) => void (request.bean(SummedCounter).value = (owner + 1) * 1e6));
  }

  private idOf(owner: number): string {
    return this.owners[owner]?.id ?? '';
  }

  private ownerOf(random: SeededRandom): number {
    return random.integer(0, OWNERS - 1);
  }
}

/** Each header and the address damaged, or one of them. */
function damaged(
  { headers, url }: WireRequest,
  other: WireRequest,
  damage: (text: string, other: string) => string,
): WireRequest {
  const names = Object.keys(headers);
  const damagedHeaders = names.map((name) => [name, damage(String(headers[name]), String(other.headers[name]))]);
  return { headers: Object.fromEntries(damagedHeaders), url: names.length === 0 ? damage(url, other.url) : url };
}

function textOf({ headers, url }: WireRequest): string {
  return [...Object.values(headers).map(String), url].join('\n');
}

describe('requests that are nearly those of clients, or nothing like them', () => {
  it.each<[Way, number]>([
    ['cookie', rounds(1_500, 300_000)],
    ['header', rounds(500, 100_000)],
    ['url', rounds(600, 125_000)],
  ])(
    'by %s, in %i cases: open what their ids open, and start nothing under an id that was sent',
    async (way, count) => {
      const sessions = await new Sessions(way, carriersOf(way)).open();
      await expectCases(1, count, (random) => sessions.caseOf(random));
      for (let i = 0; i < OWNERS; i++) {
        const client = sessions.owners[i] as SimulatedClient;
        const value = await sessions.cluster.handle(1, client, (request) => request.bean(SummedCounter).value);
        expect(Math.floor(value / 1e6)).toBe(i + 1);
      }
      expect(sessions.cluster.servers.map(({ hookErrors }) => hookErrors)).toEqual([[], []]);
    },
  );

  it.each([
    ['adopts the ids that it is sent', 'an id that was not issued', adoptIds],
    ['keeps what it is asked for', `the store has ${OWNERS + 1} sessions`, keepWhatIsAskedFor],
    // Or the store has ended one that the server takes for another.
    ['compares the first half of an id only', /an id that was not issued|the session has ended/, compareKeysOnly],
    ['decodes what it reads', 'an id that was not sent', decodeTexts],
  ])('would fail if a server %s, so that the test can fail', async (_fault, text, plant) => {
    const sessions = await new Sessions('cookie', carriersOf('cookie').slice(0, 1)).open();
    plant(sessions.cluster.memory);
    await expect(expectCases(1, 20_000, (random) => sessions.caseOf(random))).rejects.toThrow(text);
  });
});

function keepWhatIsAskedFor(memory: MemorySessionStore): void {
  const load = memory.load.bind(memory);
  memory.load = (access, options) => {
    const found = load(access, options);
    if (found.outcome === 'none' && access.proof !== undefined) {
      const lifetime = { idleTimeoutMs: 1e6, absoluteTimeoutMs: 1e6, unjoinedTimeoutMs: 1e6 };
      memory.save({ ...access, mode: 'create', writeId: access.key, lifetime, parts: new Map() });
    }
    return found;
  };
}

function adoptIds(memory: MemorySessionStore): void {
  keepWhatIsAskedFor(memory);
  const load = memory.load.bind(memory);
  memory.load = (access, options) => {
    load(access, options);
    return load(access, options);
  };
}

function compareKeysOnly(): void {
  jest.spyOn(AccessMap.prototype, 'get').mockImplementation(function (this: AccessMap<LiveSession>, { key }) {
    return this.ofKey(key)[0];
  });
}

function decodeTexts(): void {
  const parse = (text: string): SessionToken | undefined => {
    const id = text.replaceAll(/%[0-7][\da-f]/gi, decodeURIComponent).slice(0, 65);
    return isSessionId(id) ? { id, locator: undefined } : undefined;
  };
  jest.spyOn(SessionTokenFormat.prototype, 'parse').mockImplementation(parse);
}

describe('texts that are nearly handles', () => {
  it(`name a session only if they are one: ${rounds(2_000, 100_000)} cases`, async () => {
    const { cluster, owners } = await new Sessions('cookie', carriersOf('cookie')).open();
    const handles = owners.map(({ id = '' }, i) => sessionHandle({ key: accessOf(id).key, logins: i % 2 }));
    const living = owners.map(({ id = '' }) => sessionHandle({ key: accessOf(id).key, logins: 0 }));
    const separators = ['_', 'sh1_', 'sh2_', '0', '00', 'z', '-'];
    await expectCases(2, rounds(2_000, 100_000), (random) => {
      const mutator = new Mutator(random, separators);
      const handle = random.pick(handles);
      const isWhole = random.chance(0.05);
      const text = isWhole ? handle : mutator.damaged(handle, random.pick(handles));
      return {
        input: text,
        run() {
          const named = parseSessionHandle(text);
          const found = named && cluster.memory.load(named).outcome === 'found';
          if (named && sessionHandle(named) !== text) throw new Error(`is read as ${sessionHandle(named)}`);
          if (Boolean(found) !== living.includes(text as (typeof living)[number])) throw new Error(`found: ${found}`);
        },
      };
    });
  });
});

describe('texts that are nearly freshness', () => {
  it(`say how often a session was saved, or nothing: ${rounds(1_000, 50_000)} cases`, async () => {
    const { key } = accessOf(generateSessionId());
    const texts = ['0', '1', 'zz', 'zzzzzzzzzz'].map((saves) => `${key.slice(0, 8)}.${saves}`);
    await expectCases(3, rounds(1_000, 50_000), (random) => {
      const mutator = new Mutator(random, ['.', '-', '0', key]);
      const text = mutator.damaged(random.pick(texts), random.pick(texts));
      return {
        input: text,
        run() {
          const saves = savesSeen(text, key);
          if (saves === undefined) return;
          if (!Number.isSafeInteger(saves) || saves < 0) throw new Error(`are ${saves} saves`);
          if (text !== `${key.slice(0, 8)}.${text.slice(9)}`) throw new Error('are of another session');
        },
      };
    });
  });
});

describe('texts that are nearly locators', () => {
  it(`are believed only where they were given: ${rounds(2_000, 100_000)} cases`, async () => {
    const locators = { signed: new Locators('a secret of the group'), plain: new Locators(undefined) };
    const given = Array.from({ length: 8 }, (_, i) => {
      const access = accessOf(generateSessionId());
      const epoch = { node: `s${i}`, backup: i % 2 ? `s${i + 1}` : '-', counter: 36 ** i + 1, generation: i % 3 };
      return { access, signed: locators.signed.textOf(access, epoch), plain: locators.plain.textOf(access, epoch) };
    });
    const separators = ['.', '-', '0', 's1', 'zzzzzzzzz'];
    await expectCases(4, rounds(2_000, 100_000), (random) => {
      const mutator = new Mutator(random, separators);
      const kind = random.chance(0.7) ? 'signed' : 'plain';
      const [one, other, asked] = [random.pick(given), random.pick(given), random.pick(given)];
      const isWhole = random.chance(0.05);
      const text = isWhole ? one[kind] : mutator.damaged(one[kind], other[kind]);
      return {
        input: { kind, text },
        run() {
          const witness = locators[kind].parse(asked.access, text);
          if (isWhole && asked === one && !witness) throw new Error('a whole locator is refused');
          if (!witness) return;
          if (locators[kind].textOf(asked.access, witness) !== text) throw new Error('is not the text of its epoch');
          const isGiven = kind === 'signed' && asked.signed === text;
          if ((witness.from === 'client') !== isGiven) throw new Error(`is believed as that of ${witness.from}`);
        },
      };
    });
  });
});
