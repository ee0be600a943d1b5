import { setImmediate } from 'node:timers/promises';
import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import type {
  ListedSession,
  PrincipalPage,
  PrincipalSessions,
  StorePrincipals,
} from '../../libs/session/src/store/store-principals.js';
import { withMethods } from './broken-stores.js';
import type { PlantedBug } from './planted-bugs.js';

type List = StorePrincipals['list'];

/** A bug in the list, given the right one. */
function inList(rule: string, list: (right: List, store: SessionStore) => List): PlantedBug {
  const plant = (store: SessionStore): SessionStore =>
    withMethods(store, { principals: { list: list((...page) => principalsOf(store).list(...page), store) } });
  return { rule, sequential: false, plant };
}

/** A bug in how the limit of a login is checked. */
function inLimit(save: (store: SessionStore, change: SessionChange) => ReturnType<SessionStore['save']>): PlantedBug {
  const plant = (store: SessionStore): SessionStore => withMethods(store, { save: (change) => save(store, change) });
  return { rule: 'Q6', sequential: false, plant };
}

function principalsOf({ principals }: SessionStore): StorePrincipals {
  if (principals) return principals;
  throw new Error('the store finds no sessions by their principal');
}

/** The same change with another limit. */
function limited(change: SessionChange, limit: (most: number) => number | undefined): SessionChange {
  const change1 = <T extends { readonly mostSessions?: number | undefined }>(login: T): T =>
    login.mostSessions === undefined ? login : { ...login, mostSessions: limit(login.mostSessions) };
  if (change.mode === 'create') return change1(change);
  return change.renewal ? { ...change, renewal: change1(change.renewal) } : change;
}

/** Typical mistakes with the sessions of a principal, each wrapped around a correct store. */
export const plantedPrincipalBugs: Readonly<Record<string, PlantedBug>> = {
  'a list has sessions of others': inList('Q1', (right) => async (principal, page) => {
    const [own, others] = [await right(principal, page), await right(principal.replace('alice', 'bob'), page)];
    return { ...own, sessions: [...own.sessions, ...others.sessions] };
  }),

  'a list has sessions that have ended': inList('Q1', (right) => {
    const met = new Map<string, ListedSession>();
    return async (principal, page) => {
      const { sessions, ...rest } = await right(principal, page);
      for (const session of sessions) met.set(session.key, session);
      return { sessions: [...met.values()].filter(({ record }) => record.principal === principal), ...rest };
    };
  }),

  'a list misses the sessions to which somebody has logged in later': inList('Q1', (right) => async (...call) => {
    const { sessions, ...rest } = await right(...call);
    return { sessions: sessions.filter(({ record }) => record.generation === 0), ...rest };
  }),

  'a list has the oldest login first': inList('Q2', (right) => async (principal, page) => {
    const { sessions } = await right(principal, { ...page, limit: 100 });
    return { sessions: sessions.toReversed() };
  }),

  'a page leaves out the session behind the one before': inList('Q3', (right) => async (principal, page) => {
    const { sessions, ...rest } = await right(principal, page);
    return { sessions: page.after === undefined ? sessions : sessions.slice(1), ...rest };
  }),

  'a page begins again with the last session of the one before': inList('Q3', (right) => {
    let last: ListedSession | undefined;
    return async (principal, page) => {
      const found: PrincipalSessions = await right(principal, page);
      const sessions = page.after !== undefined && last ? [last, ...found.sessions] : found.sessions;
      last = found.sessions.at(-1);
      return { ...found, sessions };
    };
  }),

  'a list prolongs the sessions': inList('Q4', (right, store) => async (principal, page) => {
    const found = await right(principal, page);
    for (const { key, record } of found.sessions) await store.touch({ key, logins: record.logins });
    return found;
  }),

  'a list has all parts': inList('Q4', (right) => (principal, page) => {
    const parts = ['a', 'b', 'c'];
    return right(principal, { ...page, parts });
  }),

  'a list is empty where there are just as many sessions as too many': inList('Q5', (right) => (principal, page) => {
    const { ifMoreThan } = page;
    return right(principal, { ...page, ifMoreThan: ifMoreThan === undefined ? undefined : ifMoreThan + 1 });
  }),

  'a login beyond the limit is saved': inLimit((store, change) => store.save(limited(change, () => undefined))),

  'the limit is one session too many': inLimit((store, change) => store.save(limited(change, (most) => most + 1))),

  'the limit is checked first, and the login is saved later': inLimit(async (store, change) => {
    const login = change.mode === 'create' ? change : change.renewal;
    const { principal, mostSessions } = login ?? {};
    if (principal === undefined || mostSessions === undefined) return store.save(change);
    const page: PrincipalPage = { limit: 100, parts: [] };
    const { sessions } = await principalsOf(store).list(principal, page);
    const others = sessions.filter(({ key }) => change.mode === 'create' || key !== change.access.key);
    if (others.length >= mostSessions) return { outcome: 'limit' };
    await setImmediate();
    return store.save(limited(change, () => undefined));
  }),

  'the limit also counts the session that logs in': inLimit(async (store, change) => {
    const login = change.mode === 'create' ? undefined : change.renewal;
    if (login?.principal === undefined || login.mostSessions === undefined) return store.save(change);
    const { sessions } = await principalsOf(store).list(login.principal, { limit: 100, parts: [] });
    return sessions.length >= login.mostSessions ? { outcome: 'limit' } : store.save(change);
  }),

  'an epoch is not kept': {
    rule: 'E1',
    sequential: false,
    plant: (store) => withMethods(store, { epoch: { begin: () => Date.now(), read: () => undefined } }),
  },

  'sessions from before the epoch are listed': {
    rule: 'E2',
    sequential: false,
    plant: (store) => {
      let at = 4e12;
      const begin = (): number => ++at;
      return withMethods(store, { epoch: { begin, read: () => at } });
    },
  },
};
