import { setImmediate as nextTurn } from 'node:timers/promises';
import { SessionEndedError, type SessionStore } from 'nestjs-session-beans';
import { AMBIGUOUS, type PresentedText, type SessionIdTransport } from '../../libs/session/src/http/id/id-transport.js';
import type { RequestState } from '../../libs/session/src/request/request-state.js';
import type { SessionLifecycle } from '../../libs/session/src/request/session-lifecycle.js';
import { withMethods } from '../contract/broken-stores.js';
import { plantedFaults, plantedIdentityFaults } from './planted-faults.js';

/** A fault of servers, at the seams of the library. */
export interface Fault {
  readonly store?: (store: SessionStore) => SessionStore;
  readonly transport?: (transport: SessionIdTransport) => SessionIdTransport;

  /** Replaces methods. */
  readonly lifecycle?: (lifecycle: SessionLifecycle) => void;
}

/** Faults that this package had, or that simpler ones have, with the rule that each breaks. */
export const faults: Readonly<Record<string, Fault & { readonly breaks: RegExp }>> = {
  'a late answer removes the cookie of a newer login': {
    breaks: /rule c/,
    lifecycle: (lifecycle) => {
      lifecycle.checkIds = (request) => {
        request.removesId = request.deadId !== undefined;
      };
    },
  },
  'an answer to a former id removes the cookie': {
    breaks: /rule c/,
    lifecycle: (lifecycle) => {
      lifecycle.checkIds = (request) => {
        request.removesId = request.standing === 'superseded';
      };
    },
  },
  'a late write with a dead id starts a session, whose cookie replaces that of a login': {
    breaks: /rule c/,
    store: (store) => withMethods(store, { supersede: () => undefined }),
  },
  'a late write with a former id starts a session, whose cookie replaces that of a login': {
    breaks: /rule c/,
    lifecycle: afterBegin((request) => {
      if (request.standing === 'superseded') Object.assign(request, { stands: 'none', presented: undefined });
    }),
  },
  'a former id opens the session for a while': {
    breaks: /rule b/,
    store: plantedIdentityFaults.opensWithFormerIds,
  },
  'a login keeps the id': {
    breaks: /rule [ab]/,
    store: (store) =>
      withMethods(store, {
        save(change) {
          if (change.mode === 'create' || !change.renewal) return store.save(change);
          const { access, renewal } = change;
          return store.save({ ...change, renewal: { ...renewal, proof: access.proof ?? renewal.proof } });
        },
      }),
  },
  'a client with a former id cannot log in': {
    breaks: /rule a/,
    lifecycle: (lifecycle) => {
      const login = lifecycle.login.bind(lifecycle);
      lifecycle.login = (request, ...rest) => {
        if (request.standing === 'superseded') throw new SessionEndedError();
        login(request, ...rest);
      };
    },
  },
  'two different cookies of our name are no session': {
    breaks: /rule d/,
    transport: reading((text) => (Array.isArray(text) ? AMBIGUOUS : text)),
  },
  'of several cookies the first one counts': {
    breaks: /rule d/,
    transport: reading((text) => (Array.isArray(text) ? (text as readonly string[])[0] : text)),
  },
  'an id that a client made up is adopted': {
    breaks: /rule [abd]/,
    lifecycle: afterBegin((request) => {
      if (request.standing === 'none') request.id = request.presented?.id;
    }),
  },
  'a login goes on with what was planted before it': {
    breaks: / sees /,
    store: plantedIdentityFaults.ignoresKeep,
  },
  'a user goes on with the state of the one before': {
    breaks: / sees /,
    lifecycle: (lifecycle) => {
      lifecycle.login = (request, principal, timeouts) => {
        if (request.unit) request.askLogin({ principal, keep: undefined }, request.unit, timeouts);
      };
    },
  },
  'a login whose request fails counts': {
    breaks: /rule f/,
    lifecycle: afterBegin((request) => {
      request.cancelLogin = () => undefined;
    }),
  },
  'a late write brings back a session that was logged out': {
    breaks: /rule [abde]|nobody ended it/,
    store: plantedFaults.writesBack,
  },
  'a logout only looks like one': {
    breaks: /rule [de]/,
    store: (store) => withMethods(store, { destroy: () => ({ outcome: 'ended' }) }),
  },
  'the answer does not wait for a logout that the handler did not await': {
    breaks: /rule e/,
    lifecycle: afterBegin((request) => {
      request.keep = <T>(work: () => Promise<T>): Promise<T> => {
        const result = nextTurn().then(work);
        result.catch(() => undefined);
        return result;
      };
    }),
  },
  'a request whose cookie the browser withheld starts a session, whose cookie replaces hers': {
    breaks: /rule c/,
    transport: (transport) => replacing(transport, { isWithheld: () => false }),
  },
  'a late write with a dead id beside another one starts a session, whose cookie replaces that of a login': {
    breaks: /rule c/,
    lifecycle: afterBegin((request) => {
      request.strayIds = [];
    }),
  },
  'a cookie that somebody else has set counts for the one that the browser withheld': {
    breaks: /rule c/,
    transport: (transport) =>
      replacing(transport, {
        isWithheld: (request) => transport.read(request, true) === undefined && transport.isWithheld(request),
      }),
  },
  'an ambiguous request starts a session, whose cookie replaces that of a login': {
    breaks: /rule c/,
    lifecycle: afterBegin((request) => {
      if (request.standing === 'ambiguous') Object.assign(request, { stands: 'none' });
    }),
  },
  'a beacon brings a session': {
    breaks: /rule c/,
    transport: (transport) => replacing(transport, { isBeacon: () => false }),
  },
  'a late answer that tells the end of life brings a former id back': {
    breaks: /rule c/,
    lifecycle: afterBegin((request) => {
      moveEnd(request);

      Object.defineProperty(request, 'isIdProven', { get: () => true, set() {} });
    }),
  },
};

/** No fault: the end of life moves with each request, so that each answer sends the id again, to be kept for longer. */
export const tellsEndEachTime: Fault = { lifecycle: afterBegin(moveEnd) };

function moveEnd({ live }: RequestState): void {
  if (live) Object.assign(live.stored, { isEndUntold: true });
}

/** Changes each request when it has begun. */
function afterBegin(change: (request: RequestState) => void): NonNullable<Fault['lifecycle']> {
  return (lifecycle) => {
    const begin = lifecycle.begin.bind(lifecycle);
    lifecycle.begin = async (request) => {
      await begin(request);
      change(request);
    };
  };
}

function reading(change: (text: PresentedText) => PresentedText): NonNullable<Fault['transport']> {
  return (transport) => replacing(transport, { read: (request, secure) => change(transport.read(request, secure)) });
}

/** The same transport with some methods replaced. */
function replacing(transport: SessionIdTransport, methods: Partial<SessionIdTransport>): SessionIdTransport {
  return Object.assign(Object.create(transport) as SessionIdTransport, methods);
}
