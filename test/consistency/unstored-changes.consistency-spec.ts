import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { MemorySessionStore, SessionScoped, type SessionStore, Transient } from 'nestjs-session-beans';
import type { SessionBean } from '../../libs/session/src/bean/session-bean.js';
import type { RequestState } from '../../libs/session/src/request/request-state.js';
import { SessionLifecycle } from '../../libs/session/src/request/session-lifecycle.js';
import { UnitOfWork } from '../../libs/session/src/request/unit-of-work.js';
import { NoticeBoard } from '../support/notice-board.js';
import { RemoteStore } from './remote-store.js';
import {
  type SimulatedRequest,
  SimulatedServer,
  type SimulatedServerOptions,
  keepAll,
  keepTold,
} from './simulated-server.js';

@SessionScoped({ name: 'account' })
class Account {
  role = 'guest';
  owner = { name: 'ann', rights: ['read'] };
  limits = new Map([['daily', { amount: 10 }]]);
  visits = 0;
  note = '';

  @Transient() mark = 'initial';

  /** Keeps the real `this`, not the client proxy that callers have. */
  promoter(): () => void {
    return () => {
      this.role = 'admin';
      this.mark = 'of another request';
    };
  }
}

/** What a request keeps of the session, and how its code changes that later on. */
const KEPT = {
  'the bean itself': (request) => request.bean(Account).promoter(),
  'a nested object': (request) => {
    const { owner } = request.bean(Account);
    return () => void (owner.name = 'eve');
  },
  'a nested list': (request) => {
    const { rights } = request.bean(Account).owner;
    return () => void rights.push('write');
  },
  'a value of a Map': (request) => {
    const limit = request.bean(Account).limits.get('daily');
    return () => void Object.assign(limit ?? {}, { amount: 1_000 });
  },
  'an attribute': (request) => {
    const settings = request.http.get('settings') as { theme: string };
    return () => void (settings.theme = 'dark');
  },
} satisfies Record<string, (request: SimulatedRequest) => () => void>;

/** How the request ends that keeps something. `change` is made then, too, by those that do not store it. */
const ENDINGS = {
  'only reads': (request) => request.respond(),
  'stores another change': (request) => {
    request.bean(Account).note = 'stored';
    return request.respond();
  },
  'goes on after its last commit': async (request, change) => {
    request.bean(Account).note = 'stored';
    await request.commit();
    change();
    request.end();
  },
  'is read-only': (request) => {
    request.session.isReadOnly = true;
    return request.respond();
  },
  'is read-only, and changes it all the same': (request, change) => {
    request.session.isReadOnly = true;
    change();
    return request.respond();
  },
  'fails, so that its changes are forgotten': (request, change) => {
    change();
    request.rollback();
    return request.respond(true);
  },
  'is left by its client': (request) => {
    request.detach();
    return request.respond();
  },
} satisfies Record<string, (request: SimulatedRequest, change: () => void) => Promise<void>>;

/** When its code makes the change, as seen by the request that comes after it. */
const MOMENTS = ['before it begins', 'after it has read', 'after it has changed', 'after it has stored'] as const;
type Moment = (typeof MOMENTS)[number];

/** How the two requests meet. With `beside another`, a third one keeps the session live without a near cache. */
const MEETINGS = ['one after the other', 'beside another', 'overlapping'] as const;
type Meeting = (typeof MEETINGS)[number];

const shared = (): SessionStore => new RemoteStore(new MemorySessionStore());
const PLACES = {
  'in memory': () => ({ store: new MemorySessionStore() }),
  'in memory, checked': () => ({ store: new MemorySessionStore(), checksReadOnly: true }),
  'in memory that is kept': () => ({ store: new MemorySessionStore(), nearCache: keepAll }),
  'in a shared store': () => ({ store: shared() }),
  'in a shared store, validated': () => ({ store: shared(), nearCache: keepAll }),
  'in a shared store, validated and checked': () => ({ store: shared(), nearCache: keepAll, checksReadOnly: true }),
  'in a shared store, bounded': () => ({
    store: new NoticeBoard(new MemorySessionStore()).forServer(0),
    nearCache: keepTold,
  }),
} satisfies Record<string, () => Pick<SimulatedServerOptions, 'store' | 'nearCache' | 'checksReadOnly'>>;

/** What a request shows of the session. */
function shown(request: SimulatedRequest): string {
  const { role, owner, limits, mark } = request.bean(Account);
  return JSON.stringify({ role, owner, limits: [...limits], mark, settings: request.http.get('settings') });
}

const STORED = JSON.stringify({
  role: 'guest',
  owner: { name: 'ann', rights: ['read'] },
  limits: [['daily', { amount: 10 }]],
  mark: 'initial',
  settings: { theme: 'light' },
});

interface Case {
  readonly place: keyof typeof PLACES;
  readonly kept: keyof typeof KEPT;
  readonly ending: keyof typeof ENDINGS;
  readonly meeting: Meeting;
  readonly moment: Moment;
}

const namesOf = <T extends object>(table: T): (keyof T)[] => Object.keys(table) as (keyof T)[];

const CASES: readonly Case[] = namesOf(PLACES).flatMap((place) =>
  namesOf(KEPT).flatMap((kept) =>
    namesOf(ENDINGS).flatMap((ending) =>
      MEETINGS.flatMap((meeting) => MOMENTS.map((moment) => ({ place, kept, ending, meeting, moment }))),
    ),
  ),
);

/** All that later requests show of a session which the code of an earlier request goes on to change. */
async function shownLater({ place, kept, ending, meeting, moment }: Case): Promise<string[]> {
  const server = new SimulatedServer({ ...PLACES[place](), beans: [Account] });
  const client = await server.startSession((request) => {
    request.bean(Account).visits = 1;
    request.http.set('settings', { theme: 'light' });
  });
  const other = meeting === 'beside another' ? await server.request(client.copy()).begin() : undefined;
  const careless = await server.request(client.copy()).begin();
  const overlapping = meeting === 'overlapping' ? await server.request(client).begin() : undefined;
  const change = KEPT[kept](careless);
  await ENDINGS[ending](careless, change);

  const at = (now: Moment): void => void (now === moment && change());
  at('before it begins');
  const request = overlapping ?? (await server.request(client).begin());
  const shows = [shown(request)];
  at('after it has read');
  request.bean(Account).visits++;
  at('after it has changed');
  await request.http.flush();
  at('after it has stored');
  shows.push(shown(request));
  await request.respond();
  for (let i = 0; i < 2; i++) shows.push(await server.handle(client, shown));
  if (other) shows.push(shown(other));
  other?.end();
  return shows;
}

/** The cases in which a later request shows what was never stored. */
async function leaks(cases: readonly Case[]): Promise<Case[]> {
  const found: Case[] = [];
  for (const one of cases) {
    const shows = await shownLater(one);
    if (shows.some((each) => each !== STORED)) found.push(one);
  }
  return found;
}

interface Touched {
  readonly bean: SessionBean;
  readonly instance: object;
  readonly base: string | null;
}

/**
 * Plants what this package once did: the next request of a session got the instances of the one before.
 * @param compares whether instances are compared with what is stored before they are used
 */
function plantHandOver(compares: boolean): void {
  const left = new Map<SessionBean, Touched>();
  const end: (request: RequestState) => void = Reflect.get(SessionLifecycle.prototype, 'end');
  jest.spyOn(SessionLifecycle.prototype, 'end').mockImplementation(function (this: SessionLifecycle, request) {
    const touched = (request.unit && Reflect.get(request.unit, 'beans')) as Map<string, Touched> | undefined;
    for (const one of touched?.values() ?? []) left.set(one.bean, one);
    end.call(this, request);
  });
  const open = Reflect.get(UnitOfWork.prototype, 'open') as (bean: SessionBean) => Touched;
  Reflect.set(UnitOfWork.prototype, 'open', function (this: UnitOfWork, bean: SessionBean): Touched {
    const touched = open.call(this, bean);
    const kept = left.get(bean);
    left.delete(bean);
    const isSame = kept?.base === touched.base && (!compares || bean.state.encode(kept.instance) === kept.base);
    return isSame ? { ...touched, instance: kept.instance } : touched;
  });
  unplant = () => Reflect.set(UnitOfWork.prototype, 'open', open);
}

let unplant: () => void = () => undefined;

afterEach(() => {
  unplant();
  jest.restoreAllMocks();
});

describe('a change that a request did not store', () => {
  it('is seen by no later request, and not stored by it', async () => {
    expect(await leaks(CASES)).toEqual([]);
  });

  it.each<[string, boolean, readonly Moment[]]>([
    ['without a look at them', false, MOMENTS],
    ['that still are what is stored', true, MOMENTS.slice(1)],
  ])('would be seen everywhere if instances were handed on %s', async (_which, compares, moments) => {
    plantHandOver(compares);
    const found = await leaks(CASES.filter(({ ending }) => ending === 'only reads'));
    expect(new Set(found.map(({ place }) => place))).toEqual(new Set(namesOf(PLACES)));
    expect(new Set(found.map(({ kept }) => kept))).toEqual(new Set(namesOf(KEPT)));
    expect(new Set(found.map(({ meeting }) => meeting))).toEqual(new Set(MEETINGS));
    expect(new Set(found.map(({ moment }) => moment))).toEqual(new Set(moments));
  });
});

it('the lists that HttpSession hands out are copies', async () => {
  const server = new SimulatedServer({ store: new MemorySessionStore(), beans: [Account], nearCache: keepAll });
  const client = await server.startSession((request) => {
    request.bean(Account).visits++;
    request.http.set('settings', {});
  });
  const lists = ({ http }: SimulatedRequest): string[][] => [http.keys(), http.beanNames];
  await server.handle(client, (request) => {
    for (let i = 0; i < 2; i++) for (const list of lists(request)) list.push('other');
    expect(lists(request)).toEqual([['settings'], ['account']]);
  });
  expect(await server.handle(client, lists)).toEqual([['settings'], ['account']]);
});

it('two requests of a session never have the same instance', async () => {
  const server = new SimulatedServer({ store: new MemorySessionStore(), beans: [Account], nearCache: keepAll });
  const client = await server.startSession((request) => void request.bean(Account).visits++);
  const instances: Account[] = [];
  for (let i = 0; i < 2; i++) instances.push(await server.handle(client, (request) => request.bean(Account)));
  const overlapping = await Promise.all([0, 1].map(() => server.request(client.copy()).begin()));
  for (const request of overlapping) instances.push(request.bean(Account));
  for (const request of overlapping) request.end();
  expect(new Set(instances).size).toBe(4);
});
