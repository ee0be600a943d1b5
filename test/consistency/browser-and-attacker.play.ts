import { MemorySessionStore } from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import { CookieIdTransport } from '../../libs/session/src/http/id/cookie-id-transport.js';
import { SessionCookie } from '../../libs/session/src/http/id/session-cookie.js';
import { SessionTokenFormat } from '../../libs/session/src/http/id/session-token.js';
import { generateSessionId } from '../../libs/session/src/store/session-id.js';
import { CookieJar } from '../support/cookie-jar.js';
import type { Fault } from './browser-and-attacker.faults.js';
import {
  type Action,
  HOST,
  type History,
  type RequestScope,
  type Sending,
  type Step,
  scopeOf,
} from './browser-and-attacker.history.js';
import { PlayedRequest } from './browser-and-attacker.request.js';
import { Rules } from './browser-and-attacker.rules.js';
import { Story } from './browser-and-attacker.story.js';
import { Tally } from './counters.js';
import { Notes } from './login-beans.js';
import type { HeldState, Holder } from './session-model.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedServer, keepAll, keepTold } from './simulated-server.js';
import { SimulatedWebServer } from './simulated-web-server.js';

/** The time of all histories, one after the other. `performance.now()` has to follow it. */
export const clock = new ManualClock();

const beans = [Tally, Notes];
const nearCaches = { none: undefined, validate: keepAll, bounded: keepTold };

/**
 * Plays a history on real servers.
 * @param fault of these servers
 * @throws Error that names the first broken rule and tells the history
 */
export async function playHistory(history: History, fault?: Fault): Promise<void> {
  const game = new Game(history, fault);
  try {
    for (const step of history.steps) await game.play(step);
    await game.finish();
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${game.story.text}\n`, { cause: error });
  } finally {
    await game.close();
  }
}

class Game {
  readonly story = new Story();
  private readonly memory: MemorySessionStore;
  private readonly servers: readonly SimulatedServer[];
  private readonly web: readonly SimulatedWebServer[];
  private readonly jar = new CookieJar();
  private readonly rules: Rules;

  /** Requests and answers that are under way. */
  private underWay: PlayedRequest[] = [];

  /** Answers that have arrived. */
  private readonly arrived: PlayedRequest[] = [];

  /** Steps that run at the same time as the next one. */
  private running: Promise<void>[] = [];
  private requests = 0;
  private time = 0;

  constructor({ servers, nearCache }: History, fault: Fault = {}) {
    const settings = { beans, clock, nearCache: nearCaches[nearCache] };
    if (servers === 1) {
      this.memory = new MemorySessionStore({ clock });
      this.servers = [new SimulatedServer({ ...settings, store: fault.store?.(this.memory) ?? this.memory })];
    } else {
      const cluster = new SimulatedCluster({ ...settings, servers, plant: fault.store });
      this.memory = cluster.memory;
      this.servers = cluster.servers;
    }
    this.rules = new Rules(this.memory);
    const cookies = new CookieIdTransport(new SessionCookie({ name: 'sid' }));
    const carrier = {
      transport: fault.transport?.(cookies) ?? cookies,
      format: new SessionTokenFormat(),
      readsFreshness: nearCache === 'bounded',
      onIgnored: () => undefined,
      cookieRisks: undefined,
      admission: undefined,
      migrations: [],
    };
    for (const { lifecycle } of this.servers) fault.lifecycle?.(lifecycle);
    this.web = this.servers.map((server) => new SimulatedWebServer(server, carrier));
  }

  async play(step: Step): Promise<void> {
    if (step.do === 'go on') return this.goOn(step.which, step.isAtOnce);
    await this.settle();
    switch (step.do) {
      case 'send':
        for (let i = 0; i < step.times; i++) this.send(step);
        break;
      case 'visit':
        await this.visit(step);
        break;
      case 'overtake': {
        const slow = this.send(step.slow);
        if (step.isBegun) await this.advance(slow);
        await this.visit(step.quick);
        await this.finishOne(slow);
        this.deliver(slow, 'late');
        break;
      }
      case 'deliver':
      case 'lose':
        this.end(step.do, step.which);
        break;
      case 'repeat': {
        const request = pick(this.arrived, step.which);
        if (request) this.deliver(request, 'once more');
        break;
      }
      case 'abort':
        this.abort(step.which);
        break;
      case 'plant':
        this.plant(step);
        break;
      case 'look over the shoulder': {
        const { own } = this;
        if (own && this.rules.lookedAt(own)) this.story.tell(`the attacker sees ${this.story.nameOf(own)}`);
        break;
      }
      case 'attack':
        this.attack(step);
        break;
      case 'wait':
        await this.wait(step.seconds);
    }
    this.check();
  }

  /** Whatever has happened, the victim can log in, and goes on as who she is. */
  async finish(): Promise<void> {
    await this.settle();
    await this.finishAll();
    const sending = { from: 'a page', path: '/account', times: 1 } as const;
    for (const action of ['write', 'log in alice', 'write', 'read', 'log in bob', 'read'] as const) {
      for (const server of action === 'read' ? this.servers.keys() : [0]) {
        await this.visit({ ...sending, action, server });
        this.check();
      }
      const isRefused = action.startsWith('log in') && !action.endsWith(` ${this.rules.loggedIn}`);
      if (isRefused) throw new Error(`rule a: she could not ${action}`);
    }
    for (const id of new Set([...this.rules.heldIds, ...this.rules.endedIds])) {
      for (const server of this.servers.keys()) await this.finishOne(this.attacker('read', id, server));
    }
    this.check();
    this.rules.checkStored((holder) => this.stateOf(holder));
    for (const { liveSessions } of this.servers) {
      const inUse = [...liveSessions].filter(({ users }) => users > 0);
      if (inUse.length > 0) throw new Error(`${inUse.length} live sessions are in use by no request`);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.running);
    this.memory.close();
  }

  /** The value of the browser's cookie of ours. */
  private get own(): string | undefined {
    return this.jar.own('sid', HOST)?.value;
  }

  private async settle(): Promise<void> {
    const running = this.running.splice(0);
    await Promise.all(running);
  }

  private check(): void {
    if (this.running.length === 0) this.rules.check(this.own);
  }

  private send({ action, from, path, server }: Sending): PlayedRequest {
    const scope = scopeOf(from, path);
    const cookie = this.jar.header(scope);
    return this.add('victim', action, scope, cookie, server, from);
  }

  private attacker(action: Action, id: string | undefined, server: number): PlayedRequest {
    const scope = { ...scopeOf('a page', '/'), isSafe: action === 'read' };
    return this.add('attacker', action, scope, id === undefined ? undefined : `sid=${id}`, server, 'his own browser');
  }

  private add(
    by: PlayedRequest['by'],
    action: Action,
    scope: RequestScope,
    cookie: string | undefined,
    server: number,
    from: string,
  ): PlayedRequest {
    const number = server % this.web.length;
    const web = this.web[number] as SimulatedWebServer;
    const request = new PlayedRequest(++this.requests, by, action, scope, cookie, web);
    this.story.sent(request, from, number);
    this.underWay.push(request);
    return request;
  }

  private async visit(sending: Sending): Promise<void> {
    const requests = Array.from({ length: sending.times }, () => this.send(sending));
    await Promise.all(requests.map((request) => this.finishOne(request)));
    for (const request of requests) this.deliver(request, 'at once');
  }

  private async goOn(which: number, isAtOnce: boolean): Promise<void> {
    const request = pick(
      this.underWay.filter(({ stage, isBusy }) => stage !== 'answered' && !isBusy),
      which,
    );
    if (request) this.running.push(this.advance(request));
    if (isAtOnce) return;
    await this.settle();
    this.check();
  }

  private async advance(request: PlayedRequest): Promise<void> {
    request.isBusy = true;
    await this.nextStage(request, ++this.time);
    request.isBusy = false;
  }

  private async nextStage(request: PlayedRequest, at: number): Promise<void> {
    const { rules, story } = this;
    switch (request.stage) {
      case 'sent': {
        story.tell(`request ${request.number} arrives`);
        const before = rules.before(request, this.running.length === 0);
        await request.begin();
        rules.begun(request, before);
        return;
      }
      case 'begun':
        story.tell(`request ${request.number} runs`);
        // A store that has forgotten a former id answers a late request like one with a dead id.
        if (request.changesId && this.underWay.length > 1 && !rules.mayRenew(request)) request.action = 'read';
        rules.runs(request);
        return request.handle();
      case 'handled':
        request.answeringAt = at;
        await request.makeAnswer();
        request.answeredAt = ++this.time;
        story.answered(request);
        rules.answered(request);
        if (request.by === 'attacker' || request.isAborted) this.forget(request);
        return;
      case 'answered':
    }
  }

  private async finishOne(request: PlayedRequest): Promise<void> {
    while (request.stage !== 'answered') await this.advance(request);
  }

  /** Nothing stays under way. Answers are lost. */
  private async finishAll(): Promise<void> {
    for (const request of Array.from(this.underWay)) await this.finishOne(request);
    this.underWay = [];
  }

  private end(how: 'deliver' | 'lose', which: number): void {
    const request = pick(
      this.underWay.filter(({ stage }) => stage === 'answered'),
      which,
    );
    if (!request) return;
    if (how === 'deliver') this.deliver(request, 'now');
    else this.story.tell(`the answer to request ${request.number} is lost`);
    this.forget(request);
  }

  private deliver(request: PlayedRequest, when: string): void {
    const before = this.own;
    for (const line of request.answer?.setCookies ?? []) this.jar.receive(line, request.scope);
    this.story.tell(`the answer to request ${request.number} arrives ${when}`);
    this.forget(request);
    if (!this.arrived.includes(request)) this.arrived.push(request);
    this.rules.delivered(request, this.own !== before);
  }

  private abort(which: number): void {
    const request = pick(
      this.underWay.filter(({ by, stage }) => by === 'victim' && stage !== 'answered'),
      which,
    );
    if (!request) return;
    this.story.tell(`the browser gives up request ${request.number}`);
    if (request.stage === 'sent') this.forget(request);
    else request.abort();
  }

  private forget(request: PlayedRequest): void {
    this.underWay = this.underWay.filter((each) => each !== request);
  }

  private plant({ cookie, at, isForAllSites, which }: Extract<Step, { readonly do: 'plant' }>): void {
    const { rules } = this;
    const held = cookie === 'an id that he holds' ? pick(rules.heldIds, which) : undefined;
    const value = cookie === 'of another application' ? 's%3Aabc.def' : (held ?? generateSessionId());
    if (cookie !== 'of another application' && held === undefined) rules.madeUp(value);
    // The id of a living session that other sites can send: its requests look like those that our own pages send
    // through another site, as a login at an identity provider does.
    const sameSite = isForAllSites && !rules.isOpen(value) ? 'None' : 'Lax';
    const where = {
      'the domain': '/; Domain=shop.example',
      'the domain and /account': '/account; Domain=shop.example',
    };
    const path = at === 'the place of ours' ? '/' : where[at];
    this.jar.receive(`sid=${value}; Secure; SameSite=${sameSite}; Path=${path}`, scopeOf('a page', '/'));
    if (at === 'the place of ours') rules.forgetLogin();
    const name = cookie === 'of another application' ? value : this.story.nameOf(value);
    this.story.tell(`the attacker plants ${name} for ${at}, SameSite=${sameSite}`);
  }

  private attack({ action, which, server }: Extract<Step, { readonly do: 'attack' }>): void {
    const { heldIds } = this.rules;
    this.attacker(action, which === 0 ? undefined : pick(heldIds, which), server);
  }

  private async wait(seconds: number): Promise<void> {
    if (seconds > 60) {
      await this.finishAll();
      this.rules.allExpired();
    }
    this.story.tell(`${seconds} seconds pass`);
    clock.advance(seconds * 1_000);
  }

  private stateOf({ key, logins, principal }: Holder): HeldState | undefined {
    const found = this.memory.load({ key, logins });
    if (found.outcome !== 'found' || found.record.principal !== principal) return undefined;
    const [server] = this.servers as [SimulatedServer];
    const { count, tags } = server.decoded(Tally, found.record);
    return { count, tags, value: 0, notes: server.decoded(Notes, found.record).tags };
  }
}

function pick<T>(from: readonly T[], which: number): T | undefined {
  return from[which % from.length];
}
