import {
  SessionBusyError,
  SessionConflictError,
  SessionEndedError,
  SessionError,
  SessionStoreError,
} from 'nestjs-session-beans';
import { accessOf } from '../../libs/session/src/store/session-id.js';
import { PlainCounter, Tally } from './counters.js';
import { Notes } from './login-beans.js';
import {
  type Fate,
  type HeldState,
  type Holder,
  type Login,
  type SessionModel,
  type TaggedBean,
  expectWhole,
  nameOf,
  tagOf,
  tagsAfterLogin,
} from './session-model.js';
import type { SimulatedRequest } from './simulated-server.js';

/** The steps of one request. Other requests run between them. */
export type Step =
  | TaggedBean
  | 'read'
  | 'flush'
  | 'renew'
  | 'alice logs in'
  | 'bob logs in'
  | 'cancel the login'
  | 'lock'
  | 'invalidate'
  | 'client leaves';

/** What the requests of a client share. */
export interface Scene {
  readonly model: SessionModel;

  /** Ids that the client was handed, the newest last, with the principal of each. */
  readonly ids: Map<string, string | undefined>;

  /** Whether the store has a session that the id opens. */
  readonly opens: (id: string) => boolean;

  /** Lets the other requests run. @param where names the point to the scheduler */
  readonly pause: (where: string) => Promise<void>;
}

interface PendingLogin {
  readonly principal: string;

  /** Whether anything of the session goes on. */
  readonly keeps: boolean;

  /** What was written before it. */
  readonly tagsBefore: readonly string[];
}

/** One request that runs a script, and tells a model what it was promised. */
export class ScriptedRequest {
  /** What it wrote since its last commit. */
  private tags: string[] = [];

  /** What it has to see: all that was accepted before it began, and what it stored itself. */
  private mustSee: readonly string[] = [];

  /** `mustSee` as it was after the last commit. */
  private committed: readonly string[] = [];

  /** The login that the next commit stores. */
  private login: PendingLogin | undefined;
  private logins = 0;

  /** Whose session it has, as stored; undefined where it has none. */
  private holder: Holder | undefined;

  constructor(
    private readonly number: number,
    private readonly request: SimulatedRequest,
    private readonly presented: string,
    private readonly scene: Scene,
  ) {}

  /** Never rejects with an error that the library answers by design. */
  async run(steps: readonly Step[]): Promise<void> {
    const { request } = this;
    try {
      await this.begin();
      for (const [i, step] of steps.entries()) {
        if (!(await this.runStep(step, i))) return;
        await this.scene.pause(`request ${this.number} after ${step}`);
      }
      await this.commit();
      this.receiveId();
    } catch (error) {
      // The request did not begin, or had to stop: a handler whose lock is refused does not run.
      if (!(error instanceof SessionStoreError) && !(error instanceof SessionEndedError)) throw error;
    } finally {
      request.end();
    }
  }

  private async begin(): Promise<void> {
    const { request, presented } = this;
    const { model, ids, opens } = this.scene;
    const sessions = [...model.all];
    const promised = new Map(sessions.map((holder) => [nameOf(holder), model.promisedTo(holder)]));
    const ended = new Set(sessions.filter((holder) => model.isEnded(holder)).map(nameOf));
    const isOpen = opens(presented);
    await request.begin();
    this.holder = this.storedHolder();
    if (!this.holder) {
      if (isOpen && opens(presented)) throw new Error('a request did not find its session');
      return;
    }
    const name = nameOf(this.holder);
    if (ended.has(name)) throw new Error(`a request found ${name}, which had ended`);
    if (!isOpen) throw new Error(`a request found ${name} by an id that opened nothing`);
    const { principal } = this.holder;
    if (ids.get(presented) !== principal) throw new Error(`an id of ${ids.get(presented)} opened ${name}`);
    model.found(this.holder);
    this.mustSee = this.committed = promised.get(name) ?? [];
  }

  /** @returns false when the request is over */
  private async runStep(step: Step, i: number): Promise<boolean> {
    const { request } = this;
    const { model } = this.scene;
    if (step === 'alice logs in' || step === 'bob logs in') {
      await this.logIn(step === 'bob logs in' ? 'bob' : 'alice');
      return true;
    }
    if (!request.http.exists) return true;
    switch (step) {
      case 'tally':
      case 'plain':
      case 'notes':
        await this.write(step, i);
        return true;
      case 'read':
        this.read();
        return true;
      case 'flush':
        await this.commit();
        return true;
      case 'renew':
        request.renewId();
        return true;
      case 'cancel the login':
        this.cancelLogin();
        return true;
      case 'lock':
        await this.commit();
        await request.lock();
        if (!request.exists) this.leave();
        return true;
      case 'invalidate': {
        const { holder } = this;
        this.forget();
        try {
          await request.invalidate();
          if (holder) model.noteEnd(holder, 'certain');
        } catch (error) {
          if (!(error instanceof SessionStoreError)) throw error;
          if (holder) model.noteEnd(holder, 'possible');
        }
        this.leave();
        return true;
      }
      case 'client leaves': {
        const committing = this.commit();
        request.end();
        await committing;
        return false;
      }
    }
  }

  private async logIn(principal: string): Promise<void> {
    const before = this.request.http.principal;
    const keeps = (this.login?.keeps ?? true) && (before === undefined || before === principal);
    this.login = { principal, keeps, tagsBefore: this.login?.tagsBefore ?? this.tags };
    this.logins++;
    await this.request.http.login(principal);
    const kept = tagsAfterLogin(this.tags, before, principal);
    const gone = this.tags.filter((tag) => !kept.includes(tag));
    this.tags = kept;
    this.mustSee = tagsAfterLogin(this.mustSee, before, principal);
    // They come back when the login is cancelled.
    if (this.logins > 1) this.scene.model.note(gone, 'refused', undefined);
  }

  private cancelLogin(): void {
    // After two logins it depends on the order of what was touched which changes stay.
    if (!this.login || this.logins > 1) return;
    const { holder, login } = this;
    const before = holder?.principal;
    const since = this.tags.filter((tag) => !login.tagsBefore.includes(tag));
    const kept = holder && before !== undefined ? [] : tagsAfterLogin(since, undefined, login.principal);
    const isSame = before === login.principal;
    this.scene.model.note(isSame ? [] : since.filter((tag) => !kept.includes(tag)), 'refused', undefined);
    this.tags = isSame ? this.tags : [...login.tagsBefore, ...kept];
    this.mustSee = this.committed;
    this.login = undefined;
    this.logins = 0;
    this.request.session.cancelLogin();
  }

  private async write(bean: TaggedBean, i: number): Promise<void> {
    const { request, number } = this;
    // Before a login is stored, what goes on with it may still stay with the session of before.
    const isShared = bean !== 'notes' && this.login?.keeps;
    const principal = isShared ? this.holder?.principal : request.http.principal;
    const tag = tagOf(bean, principal, number, i);
    if (bean === 'notes') {
      request.bean(Notes).tags.add(tag);
    } else {
      if (bean === 'plain') {
        const { value } = request.bean(PlainCounter);
        await this.scene.pause(`request ${number} waits between read and write`);
        // A rollback or flush cannot have intervened, because the request is alone in its unit of work.
        request.bean(PlainCounter).value = value + 1;
      }
      request.bean(Tally).add(tag);
    }
    this.tags.push(tag);
  }

  private read(): void {
    const { request } = this;
    const { count, tags } = request.bean(Tally);
    const seen: HeldState = {
      count,
      tags,
      value: request.bean(PlainCounter).value,
      notes: request.bean(Notes).tags,
    };
    expectWhole(request.http.principal, seen);
    const unseen = [...this.mustSee, ...this.tags].filter((tag) => !seen.tags.has(tag) && !seen.notes.has(tag));
    if (unseen.length > 0) throw new Error(`a read did not see ${unseen.join(', ')}, accepted before it began`);
  }

  private async commit(): Promise<void> {
    const { request, tags, holder, login } = this;
    const { model } = this.scene;
    const { live } = request.session;
    this.forget();
    if (login) this.noteGone(login.tagsBefore, tags);
    try {
      await request.commit();
    } catch (error) {
      const fate = fateOf(error);
      this.mustSee = this.committed;
      if (fate === 'unknown') this.noteLogin(holder, login, 'possible');
      model.note(tags, fate, fate === 'unknown' && holder && login ? after(holder, login.principal) : holder);
      return;
    }
    const { id, hasSession } = request.session;
    const key = hasSession && id !== undefined ? accessOf(id).key : undefined;
    const isOther = !holder || holder.key !== key;
    // A login whose session has ended begins with nothing of that.
    const isEmpty = isOther && live?.isEnded === true && !live.isRenewed;
    const mustSee = isEmpty ? tags : [...this.mustSee, ...tags];
    this.mustSee = this.committed = mustSee;
    if (key === undefined) return;
    const now = isOther ? { key, logins: login ? 1 : 0, principal: login?.principal } : after(holder, login?.principal);
    this.holder = now;
    if (!isOther) this.noteLogin(holder, login, 'certain');
    model.note(tags, 'stored', now);
    // A login that another one has overtaken begins a session with what it has read.
    if (isOther) model.promise(now, mustSee);
  }

  private noteLogin(before: Holder | undefined, login: PendingLogin | undefined, certainty: Login['certainty']): void {
    if (!before || !login) return;
    const { principal, keeps } = login;
    this.scene.model.noteLogin(after(before, principal), { before, keeps, certainty });
  }

  /** What was written before a login and does not go on is not stored by any means. */
  private noteGone(before: readonly string[], tags: readonly string[]): void {
    const gone = before.filter((tag) => !tags.includes(tag));
    this.scene.model.note(gone, 'refused', undefined);
  }

  private forget(): void {
    this.tags = [];
    this.login = undefined;
    this.logins = 0;
  }

  /** The request goes on without a session. */
  private leave(): void {
    this.mustSee = this.committed = [];
    this.holder = undefined;
  }

  /** The client learns its id with the response. */
  private receiveId(): void {
    const { handedOut } = this.request;
    if (handedOut) this.scene.ids.set(handedOut.id, this.holder?.principal);
  }

  private storedHolder(): Holder | undefined {
    const { live } = this.request.session;
    if (!live) return undefined;
    const { logins, principal } = live.stored.identity;
    return { key: live.key, logins, principal };
  }
}

/** The session as it goes on, after a principal has logged in to it if one does. */
function after(holder: Holder, principal: string | undefined): Holder {
  if (principal === undefined || principal === holder.principal) return holder;
  return { key: holder.key, logins: holder.logins + 1, principal };
}

const BY_DESIGN = [SessionConflictError, SessionEndedError, SessionStoreError, SessionBusyError];

/** @throws the error if the library does not answer it by design */
function fateOf(error: unknown): Fate {
  if (!(error instanceof SessionError) || !BY_DESIGN.some((type) => error instanceof type)) throw error;
  return error instanceof SessionStoreError && error.applied === 'unknown' ? 'unknown' : 'refused';
}
