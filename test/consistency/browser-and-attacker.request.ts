import { isSessionId } from '../../libs/session/src/store/session-id.js';
import { SessionError } from '../../libs/session/src/errors/session.error.js';
import type { Action, RequestScope } from './browser-and-attacker.history.js';
import { Tally } from './counters.js';
import { Notes } from './login-beans.js';
import { type Holder, expectWhole, tagOf } from './session-model.js';
import type { Answer, SimulatedWebServer, WebRequest } from './simulated-web-server.js';

/** The session that a request has found, and the id by which it did. */
export interface FoundSession {
  readonly id: string;
  readonly holder: Holder;
}

/** One request of a history. */
export class PlayedRequest {
  stage: 'sent' | 'begun' | 'handled' | 'answered' = 'sent';
  isAborted = false;

  /** It is on its way to the next stage. */
  isBusy = false;

  /** The ids that it presents, each once. */
  readonly ids: readonly string[];

  /** Two or more of its ids opened sessions when it began: nobody can tell which one is meant. */
  isAmbiguous = false;

  /** One of its ids had been replaced a short while before. */
  bringsFormer = false;
  found: FoundSession | undefined;

  /** What was accepted before it began: it has to see that. */
  mustSee: readonly string[] = [];

  /** What it has written. */
  readonly tags: string[] = [];

  /** When its answer began to be made, and when it was: counted in steps of all requests. */
  answeringAt = 0;
  answeredAt = 0;
  answer: Answer | undefined;

  private readonly web: WebRequest;
  private failure: Error | undefined;

  constructor(
    readonly number: number,
    readonly by: 'victim' | 'attacker',
    public action: Action,
    readonly scope: RequestScope,
    cookie: string | undefined,
    server: SimulatedWebServer,
  ) {
    this.ids = idsIn(cookie);
    this.web = server.request({ ...scope, method: scope.isSafe ? 'GET' : 'POST', cookie });
  }

  /**
   * The id that the answer brings; empty when it tells the browser to forget its id, undefined when it does neither.
   */
  get newId(): string | undefined {
    const line = this.answer?.setCookies.find((each) => each.startsWith('sid='));
    return line?.slice('sid='.length).split(';', 1)[0];
  }

  /** It asks for a new id, or ends the session. */
  get changesId(): boolean {
    return this.isLogin || this.action === 'renew' || this.isLogout;
  }

  get isLogin(): boolean {
    return this.action.startsWith('log in');
  }

  get isLogout(): boolean {
    return this.action.startsWith('log out');
  }

  async begin(): Promise<void> {
    this.stage = 'begun';
    await this.web.begin();
    const { live, presented } = this.web.state;
    if (!live || !presented) return;
    const { logins, principal } = live.stored.identity;
    this.found = { id: presented.id, holder: { key: live.key, logins, principal } };
  }

  /** Runs the handler. */
  async handle(): Promise<void> {
    this.stage = 'handled';
    // A handler without `await` is over at once: it runs when the answer is made.
    if (this.action.endsWith('without await')) return;
    try {
      await this.web.handle(() => this.act());
    } catch (error) {
      this.fail(error);
    }
  }

  async makeAnswer(): Promise<void> {
    this.stage = 'answered';
    if (this.action.endsWith('without await')) this.web.handle(() => this.actWithoutAwait());
    this.answer = await this.web.answer(this.failure);
  }

  /** The browser closes the connection. */
  abort(): void {
    this.isAborted = true;
    this.web.abort();
  }

  private async act(): Promise<void> {
    const { http } = this.web;
    switch (this.action) {
      case 'read':
        return this.read();
      case 'write':
        this.read();
        return this.write();
      case 'start':
        return http.start();
      case 'renew':
        return http.renewId();
      case 'log in alice':
        return http.login('alice');
      case 'log in bob':
        return http.login('bob');
      case 'log in mallory':
        return http.login('mallory');
      case 'log out':
        return http.logout();
      case 'fail to log in carol':
        await http.login('carol');
        throw new WrongPassword();
      case 'log in alice without await':
      case 'log out without await':
        return undefined;
    }
  }

  private actWithoutAwait(): void {
    const { http } = this.web;
    try {
      void (this.isLogin ? http.login('alice') : http.logout());
    } catch (error) {
      this.fail(error);
    }
  }

  private read(): void {
    const { count, tags } = this.web.bean(Tally);
    const notes = this.web.bean(Notes).tags;
    expectWhole(this.web.http.principal, { count, tags, value: 0, notes });
    const unseen = this.mustSee.filter((tag) => !tags.has(tag) && !notes.has(tag));
    if (unseen.length > 0) throw new Error(`request ${this.number} did not see ${unseen.join(', ')}, accepted before`);
  }

  private write(): void {
    const { principal } = this.web.http;
    const [tally, notes] = [tagOf('tally', principal, this.number, 0), tagOf('notes', principal, this.number, 0)];
    this.web.bean(Tally).add(tally);
    this.web.bean(Notes).tags.add(notes);
    this.tags.push(tally, notes);
  }

  /** @throws the error if no application would meet it */
  private fail(error: unknown): void {
    if (!(error instanceof SessionError) && !(error instanceof WrongPassword)) throw error;
    this.failure = error;
  }
}

class WrongPassword extends Error {}

/** The texts in a header `Cookie` that may be ids of ours. */
export function idsIn(cookie = ''): readonly string[] {
  const values = cookie.split('; ').flatMap((pair) => (pair.startsWith('sid=') ? [pair.slice('sid='.length)] : []));
  return [...new Set(values.filter(isSessionId))];
}
