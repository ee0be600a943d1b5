import type { MemorySessionStore } from 'nestjs-session-beans';
import { accessOf, type SessionAccess } from 'nestjs-session-beans/store-kit';
import type { FoundSession, PlayedRequest } from './browser-and-attacker.request.js';
import { type HeldState, type Holder, SessionModel, nameOf } from './session-model.js';

/** The login that the victim's browser has. */
interface BrowserLogin {
  readonly id: string;
  readonly holder: Holder;
  readonly answeredAt: number;

  /** Sessions of which the request had an id, and the one that it got. */
  readonly keys: ReadonlySet<string>;
}

/** What is true before a request begins. */
export interface Before {
  readonly isAlone: boolean;

  /** It presents an id that was replaced a short while ago. */
  readonly hasFormer: boolean;
  readonly open: readonly string[];
  readonly promised: ReadonlyMap<string, readonly string[]>;
  readonly ended: ReadonlySet<string>;
}

/**
 * The rules of the game:
 *
 * - **a** When an answer has brought the victim a login, her cookie opens that session, until she logs out, logs in
 *   again or asks for a new id. An answer that was lost may cost the login, but a login is always possible at once.
 * - **b** An id that the attacker holds never opens a session to which the victim has logged in, and shows nothing that
 *   was written after that. Ids are made by the servers only.
 * - **c** An answer that is made after a login does not take the login's cookie away, and an answer to a request from
 *   another site changes no cookie of ours. No session comes back after its end.
 * - **d** A request finds the one session that its cookies open, whatever lies beside it. If they open several, it
 *   finds none: nobody can tell which one is meant. It is refused only when its cookies open several, one of its ids
 *   was replaced a short while ago, or its session ended while it ran.
 * - **e** After a logout was answered, no id opens the session, on any server.
 * - **f** A write that was acknowledged is seen by each later request of the session, and is stored as long as that
 *   lives. A login that failed did not happen.
 * - **g** Nobody sees the state of another user, nor what had to begin anew with the login.
 *
 * Rule c leaves out a logout that was done after the login, of whichever of her sessions: she asked for it. Two more
 * things can happen to a login's cookie that no server can prevent while there is one cookie:
 *
 * - An answer that was made before the login arrives after it.
 * - A request brings no id of a session that the login's request knew: the server cannot know that they are of one
 *   browser. Typically one of them has no cookie at all. Where the browser says that it is a beacon, it brings none.
 */
export class Rules {
  private model = new SessionModel();
  private login: BrowserLogin | undefined;

  /** All ids that servers have given out, with their sessions, and those that the attacker has made up. */
  private readonly ids = new Map<string, Holder | undefined>();

  /** Ids that the attacker knows. */
  private readonly held = new Set<string>();

  /** Ids that were replaced by others. A server may know that when the store has forgotten the session. */
  private readonly former = new Set<string>();

  /** Ids with which a session was ended. */
  readonly endedIds = new Set<string>();

  /** Sessions that somebody has logged out of, or was about to. */
  private readonly loggedOut = new Set<string>();
  private readonly renewals = new Map<string, number>();

  constructor(private readonly store: Pick<MemorySessionStore, 'load'>) {}

  get heldIds(): readonly string[] {
    return [...this.held];
  }

  /** The user of whom the browser has a login. */
  get loggedIn(): string | undefined {
    return this.login?.holder.principal;
  }

  /** The attacker has made this id up. */
  madeUp(id: string): void {
    this.ids.set(id, undefined);
    this.held.add(id);
  }

  /** The attacker sees a cookie in the victim's browser. @returns false if it is of a login, or no id of ours */
  lookedAt(id: string): boolean {
    if (!this.ids.has(id) || this.sessionOf(id)?.principal !== undefined) return false;
    this.held.add(id);
    return true;
  }

  /** The victim's browser has no login any more, by doing of somebody who can write her cookies. */
  forgetLogin(): void {
    this.login = undefined;
  }

  /** All sessions have expired. */
  allExpired(): void {
    this.login = undefined;
    this.former.clear();
    this.model = new SessionModel();
  }

  /** Whether the store remembers the former ids of the session when it gets another one: it remembers four. */
  mayRenew({ found }: PlayedRequest): boolean {
    return !found || (this.renewals.get(found.holder.key) ?? 0) < 4;
  }

  /** Whether the store has a session that the id opens. */
  isOpen(id: string): boolean {
    return this.sessionOf(id) !== undefined;
  }

  /** @param isAlone no other request is at work: one that is logging out has not ended the session everywhere yet */
  before({ ids }: PlayedRequest, isAlone: boolean): Before {
    const sessions = [...this.model.all];
    return {
      isAlone,
      hasFormer: this.isAnyFormer(ids),
      open: ids.filter((id) => this.isOpen(id)),
      promised: new Map(sessions.map((holder) => [nameOf(holder), this.model.promisedTo(holder)])),
      ended: new Set(sessions.filter((holder) => this.model.isEnded(holder)).map(nameOf)),
    };
  }

  begun(request: PlayedRequest, { isAlone, open, promised, ended, hasFormer }: Before): void {
    const { found, ids } = request;
    request.bringsFormer = hasFormer;
    const stillOpen = open.filter((id) => this.isOpen(id));
    request.isAmbiguous = open.length > 1;
    if (!found) {
      if (open.length === 1 && stillOpen.length === 1) throw broken('d', request, 'did not find its session');
      return;
    }
    const name = nameOf(found.holder);
    if (ended.has(name)) throw broken('e', request, `found ${name}, which had ended`);
    if (!ids.includes(found.id) || (isAlone && !open.includes(found.id)))
      throw broken('b', request, `found ${name} by an id that opened nothing`);
    if (stillOpen.length > 1) throw broken('d', request, 'chose one of several sessions');
    this.expectNotTaken(request, found);
    this.model.found(found.holder);
    request.mustSee = promised.get(name) ?? [];
  }

  answered(request: PlayedRequest): void {
    const { answer, newId } = request;
    if (!answer) return;
    const isDone = answer.status < 400;
    if (request.isAborted) this.noteUnknown(request);
    else if (isDone) this.noteDone(request);
    else this.expectReason(request, answer.status);
    if (newId) this.noteNewId(request, newId);
    if (request.changesId && (isDone || request.isAborted)) this.noteOver(request);
  }

  /** A handler runs. A logout ends the session before it is answered. */
  runs(request: PlayedRequest): void {
    if (!request.isLogout) return;
    if (request.found) this.loggedOut.add(nameOf(request.found.holder));
    this.noteOver(request);
  }

  /**
   * An answer has arrived at the browser.
   * @param changes it has changed the cookie of ours
   */
  delivered(request: PlayedRequest, changes: boolean): void {
    if (!changes) return;
    const { newId, answer, answeredAt } = request;
    if (request.scope.isCrossSite && !request.scope.isSafe)
      throw broken('c', request, 'from another site, has changed our cookie');
    if (newId && !request.found && !request.isLogin && request.scope.isBeacon)
      throw broken('c', request, 'a beacon, has brought a new session');
    const { login } = this;
    const isLogin = newId && isVictims(answer?.session);
    if (!isLogin && login && this.isOpen(login.id) && !isExcused(request, login))
      throw broken('c', request, `took the cookie of ${login.holder.principal} away`);
    const session = this.sessionOf(newId);
    const keys = new Set(request.ids.map(keyOf));
    this.login = newId && isVictims(session) ? { id: newId, holder: session, answeredAt, keys } : undefined;
    if (session) keys.add(session.key);
  }

  /**
   * Call when nothing is being done.
   * @param id the browser's cookie of ours
   */
  check(id: string | undefined): void {
    const { login } = this;
    if (login && (id !== login.id || !isSame(this.sessionOf(id), login.holder)))
      throw new Error(`rule a: the cookie of ${nameOf(login.holder)} does not open it any more`);
    for (const held of this.held) {
      const session = this.sessionOf(held);
      if (session && (isVictims(session) || !this.ids.get(held)))
        throw new Error(`rule b: an id of the attacker opens ${nameOf(session)}`);
    }
  }

  /** @param stateOf gives what the store has of a session; undefined if it has none, or one of somebody else */
  checkStored(stateOf: (holder: Holder) => HeldState | undefined): void {
    for (const holder of this.model.all) this.model.check(holder, stateOf(holder));
  }

  private noteDone(request: PlayedRequest): void {
    const { found, tags, answer } = request;
    const session = answer?.session;
    if (session) {
      if (found?.holder.key === session.key) this.noteLogin(found.holder, session, 'certain');
      this.model.note(tags, 'stored', holderOf(session));
    } else if (tags.length > 0) throw broken('f', request, 'was acknowledged, and stored nowhere');
    if (!request.isLogout || !found) return;
    this.model.noteEnd(found.holder, 'certain');
    this.endedIds.add(found.id);
    const opening = [...this.ids].filter(([id]) => isSame(this.sessionOf(id), found.holder));
    if (opening.length > 0) throw broken('e', request, `did not end ${nameOf(found.holder)}`);
  }

  /** The client has left, and was told nothing. */
  private noteUnknown({ found, tags, action, isLogin, isLogout, changesId }: PlayedRequest): void {
    this.model.note(tags, 'unknown', found?.holder);
    if (!found) return;
    const { holder } = found;
    const principal = action.split(' ')[2] as string;
    const { logins } = holder;
    if (isLogin && principal !== holder.principal)
      this.noteLogin(holder, { ...holder, logins: logins + 1, principal }, 'possible');
    if (isLogout) this.model.noteEnd(holder, 'possible');
    else if (changesId) this.countRenewal(holder);
  }

  private noteLogin(before: Holder, session: Holder, certainty: 'certain' | 'possible'): void {
    const after = holderOf(session);
    if (nameOf(after) === nameOf(before)) return;
    this.model.noteLogin(after, { before, keeps: before.principal === undefined, certainty });
  }

  private noteNewId(request: PlayedRequest, id: string): void {
    const session = request.answer?.session;
    if (session?.principal === 'carol') throw broken('f', request, 'has logged in, though it failed');
    // Sent again, to be kept for longer.
    if (request.found?.id === id && !request.changesId) return;
    if (this.ids.has(id)) throw broken('b', request, 'brings an id that was known before');
    if (session?.key !== keyOf(id)) throw broken('b', request, 'brings an id of another session');
    this.ids.set(id, holderOf(session));
    if (request.found?.holder.key === session.key) {
      this.countRenewal(session);
      this.former.add(request.found.id);
    }
    if (request.by === 'attacker') this.held.add(id);
  }

  /** The victim herself has ended the session, or got another id of it. */
  private noteOver({ by, found }: PlayedRequest): void {
    const { login } = this;
    if (by === 'victim' && found && login && isSame(found.holder, login.holder)) this.login = undefined;
  }

  private countRenewal({ key }: Holder): void {
    this.renewals.set(key, (this.renewals.get(key) ?? 0) + 1);
  }

  /** @throws if a request was refused for no reason */
  private expectReason(request: PlayedRequest, status: number): void {
    const { found, ids, action } = request;
    this.model.note(request.tags, 'refused', undefined);
    if (action === 'fail to log in carol' && status === 401) return;
    if (status === 400 && request.isAmbiguous && !request.isLogin) return;
    if (status !== 409) throw broken('d', request, `was answered ${status}`);
    if (found && (this.loggedOut.has(nameOf(found.holder)) || this.isGone(found.holder))) return;
    if (request.isLogin) throw broken('a', request, 'was refused, though a login is always possible');
    if (!request.bringsFormer && !this.isAnyFormer(ids)) throw broken('d', request, 'was refused for no reason');
  }

  /** Nobody has the session any more. */
  private isGone({ key }: Holder): boolean {
    return [0, 1, 2, 3, 4, 5].every((logins) => this.store.load({ key, logins }).outcome === 'none');
  }

  private isAnyFormer(ids: readonly string[]): boolean {
    return ids.some((id) => this.former.has(id) || this.store.load(accessOf(id)).outcome === 'superseded');
  }

  private expectNotTaken(request: PlayedRequest, { holder }: FoundSession): void {
    if (holder.principal === 'carol') throw broken('f', request, 'found a session of carol, whose login failed');
    if (request.by === 'attacker' && isVictims(holder)) throw broken('b', request, `found ${nameOf(holder)}`);
  }

  private sessionOf(id: string | undefined): Holder | undefined {
    if (id === undefined || id === '') return undefined;
    const access: SessionAccess = accessOf(id);
    const result = this.store.load(access);
    return result.outcome === 'found' ? holderOf({ key: access.key, ...result.record }) : undefined;
  }
}

/** Rule c does not hold for this answer: see there. */
function isExcused({ answeringAt, ids, isLogout }: PlayedRequest, login: BrowserLogin): boolean {
  const isRelated = ids.some((id) => login.keys.has(keyOf(id)));
  return answeringAt < login.answeredAt || isLogout || !isRelated;
}

function isVictims(session: Holder | undefined): session is Holder {
  return session?.principal !== undefined && session.principal !== 'mallory';
}

function isSame(one: Holder | undefined, other: Holder): boolean {
  return one !== undefined && nameOf(one) === nameOf(other);
}

function holderOf({ key, logins, principal }: Holder): Holder {
  return { key, logins, principal };
}

/** As `accessOf` does, without the proof. */
function keyOf(id: string): string {
  return id.slice(0, 22);
}

function broken(rule: string, { number }: PlayedRequest, text: string): Error {
  return new Error(`rule ${rule}: request ${number} ${text}`);
}
