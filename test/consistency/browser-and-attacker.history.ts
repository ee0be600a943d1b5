import fc from 'fast-check';
import type { CookieScope } from '../support/cookie-jar.js';

/** The host of the servers. */
export const HOST = 'www.shop.example';

/** What a handler does. Carol's login fails: nobody is ever logged in as carol. */
export type Action =
  | 'read'
  | 'write'
  | 'start'
  | 'renew'
  | 'log in alice'
  | 'log in bob'
  | 'log in mallory'
  | 'log in alice without await'
  | 'fail to log in carol'
  | 'log out'
  | 'log out without await';

/** Where the victim's browser sends a request from. All but links are POST requests. */
export type Origin =
  | 'a page'
  | 'a beacon'
  | 'a link of another site'
  | 'a form of another site'
  | 'a beacon of another site';

/** As far as it matters for cookies, and for Fetch Metadata. */
export interface RequestScope extends CookieScope {
  readonly isBeacon: boolean;
}

export function scopeOf(from: Origin, path: string): RequestScope {
  const isLink = from === 'a link of another site';
  const isForm = from === 'a form of another site';
  return {
    host: HOST,
    path,
    isCrossSite: from.endsWith('of another site'),
    isNavigation: isLink || isForm,
    isSafe: isLink,
    isBeacon: from.startsWith('a beacon'),
  };
}

export interface Sending {
  readonly action: Action;
  readonly from: Origin;
  readonly path: '/' | '/account';
  readonly server: number;

  /** 2: a double click. */
  readonly times: 1 | 2;
}

export type Step =
  /** The victim's browser sends a request, with the cookies that it has by now. */
  | ({ readonly do: 'send' } & Sending)
  /** The same, and the answer arrives before anything else happens. */
  | ({ readonly do: 'visit' } & Sending)
  /** The answer to a slow request, which may have begun, is made and arrives after a quick one has come and gone. */
  | { readonly do: 'overtake'; readonly slow: Sending; readonly quick: Sending; readonly isBegun: boolean }
  /**
   * A request that is under way goes on: it arrives, or its handler runs, or its answer is made. The next step may
   * run at the same time.
   */
  | { readonly do: 'go on'; readonly which: number; readonly isAtOnce: boolean }
  /** An answer arrives at the browser, is lost, or arrives once more. Answers may overtake each other. */
  | { readonly do: 'deliver' | 'lose' | 'repeat'; readonly which: number }
  /** The browser gives a request up. */
  | { readonly do: 'abort'; readonly which: number }
  /** The attacker gets a cookie of our name into the victim's browser, for example from a sibling host. */
  | {
      readonly do: 'plant';
      readonly cookie: 'an id that he holds' | 'an id that he made up' | 'of another application';
      readonly at: 'the domain' | 'the domain and /account' | 'the place of ours';
      readonly isForAllSites: boolean;
      readonly which: number;
    }
  /** The attacker learns the id in the victim's browser, if nobody is logged in with it. */
  | { readonly do: 'look over the shoulder' }
  /** The attacker sends a request, with an id that he holds or without one. */
  | { readonly do: 'attack'; readonly action: Action; readonly which: number; readonly server: number }
  /** In an hour, all sessions end and nothing stays under way. */
  | { readonly do: 'wait'; readonly seconds: 2 | 3_600 };

export interface History {
  /** One server with a store in its own process, or two that share a store. */
  readonly servers: 1 | 2;
  readonly nearCache: 'none' | 'validate' | 'bounded';
  readonly steps: readonly Step[];
}

const which = fc.nat(5);
const server = fc.nat(1);

const action = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<Action>('read', 'write') },
  { weight: 5, arbitrary: fc.constantFrom<Action>('log in alice', 'log in bob', 'log out') },
  { weight: 2, arbitrary: fc.constantFrom<Action>('start', 'renew', 'fail to log in carol') },
  { weight: 1, arbitrary: fc.constantFrom<Action>('log in alice without await', 'log out without await') },
);

const sending = fc.record({
  action,
  from: fc.constantFrom<Origin>('a page', 'a page', 'a page', 'a beacon', 'a link of another site'),
  path: fc.constantFrom('/', '/account'),
  server,
  times: fc.constantFrom(1, 1, 1, 2),
});

const forgery = fc.record({
  action: fc.oneof(action, fc.constant<Action>('log in mallory')),
  from: fc.constantFrom<Origin>('a form of another site', 'a beacon of another site'),
  path: fc.constantFrom('/', '/account'),
  server,
  times: fc.constant(1),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: sending.map((each) => ({ do: 'send', ...each }) as const) },
  { weight: 6, arbitrary: sending.map((each) => ({ do: 'visit', ...each }) as const) },
  {
    weight: 9,
    arbitrary: fc.record({ do: fc.constant('overtake'), slow: sending, quick: sending, isBegun: fc.boolean() }),
  },
  { weight: 1, arbitrary: forgery.map((each) => ({ do: 'send', ...each }) as const) },
  { weight: 1, arbitrary: forgery.map((each) => ({ do: 'visit', ...each }) as const) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('go on'), which, isAtOnce: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('deliver'), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('lose', 'repeat', 'abort'), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('plant'),
      cookie: fc.constantFrom('an id that he holds', 'an id that he made up', 'of another application'),
      at: fc.constantFrom('the domain', 'the domain and /account', 'the place of ours'),
      isForAllSites: fc.boolean(),
      which,
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'look over the shoulder' } as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('attack'),
      action: fc.constantFrom<Action>('read', 'write', 'start', 'renew', 'log in mallory', 'log out'),
      which,
      server,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), seconds: fc.constantFrom(2, 3_600) }) },
);

/** Any history on so many servers. Each part of a history is one, too, so that failures shrink well. */
export function histories(servers: 1 | 2): fc.Arbitrary<History> {
  return fc.record({
    servers: fc.constant(servers),
    // A store that only this process has needs no word from others.
    nearCache: servers === 1 ? fc.constantFrom('none', 'validate') : fc.constantFrom('none', 'validate', 'bounded'),
    steps: fc.array(step, { minLength: 1, maxLength: 20, size: 'max' }),
  });
}
