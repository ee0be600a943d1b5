import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'node:http';
import { eventually } from '../support/eventually.js';
import { type Cookies, Device, havingSeenNothing, idOf } from './device.js';
import type {
  Failover,
  FinalAnswer,
  History,
  RequestEvent,
  RequestKind,
  RequestOutcome,
  SeenState,
  Wipe,
} from './history.js';
import { HotSession, type Membership } from './hot-session.js';
import { recordRequest } from './record-request.js';
import { type WeightedRoute, drawRoute, mixedRoutes } from './route-mix.js';

export interface StressLoadOptions {
  /** Addresses of the servers. Each request goes to a random one. */
  readonly servers: readonly string[];
  readonly sessions?: number;
  readonly clientsPerSession?: number;
  readonly routes?: readonly WeightedRoute[];

  /**
   * The pause of a client between two requests, in ms: random, up to this plus three times the duration of the last
   * request.
   */
  readonly thinkMs?: number;

  /** A client waits for an answer no longer than this, in ms. */
  readonly patienceMs?: number;
}

/** Longer than every fault. */
const START_WITHIN_MS = 20_000;

interface Client {
  readonly device: Device;
  readonly hot: HotSession;
  membership: Membership;
}

/**
 * Clients that use a few sessions on many servers without stickiness, and the history of their requests. The test
 * closes it.
 */
export class StressLoad {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });
  private readonly requests: RequestEvent[] = [];
  private readonly wipes: Wipe[] = [];
  private readonly failovers: Failover[] = [];
  private readonly hotSessions: HotSession[] = [];
  private readonly clients: Client[] = [];
  private isOver = false;
  private isClosed = false;

  constructor(private readonly options: StressLoadOptions) {
    const { sessions = 50, clientsPerSession = 3 } = options;
    for (let i = 0; i < sessions; i++) {
      const hot = new HotSession(`s${i}`, (session) => this.startSession(session));
      this.hotSessions.push(hot);
      for (let j = 0; j < clientsPerSession; j++)
        this.clients.push({ device: new Device(`c${i}-${j}`, this.agent), hot, membership: hot.now });
    }
  }

  get history(): History {
    return { requests: this.requests, wipes: this.wipes, failovers: this.failovers };
  }

  /** Starts every session. */
  async begin(): Promise<void> {
    await Promise.all(this.hotSessions.map((hot) => hot.replace()));
    for (const client of this.clients) join(client, client.hot.now);
  }

  /** Lets all clients send requests, one at a time each, for `durationMs` and until `meanwhile` is done. */
  async run(durationMs: number, meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    this.isOver = false;
    const running = this.clients.map((client) => this.runClient(client));
    try {
      await Promise.all([pause(durationMs), meanwhile()]);
    } finally {
      this.isOver = true;
      await Promise.all(running);
    }
  }

  /** Deletes all sessions with `take`, and records when. */
  async wipe(take: () => Promise<unknown>): Promise<void> {
    const start = performance.now();
    await take();
    this.wipes.push({ start, end: performance.now() });
  }

  /** Lets Redis fail over, and records when: from before it until the old primary answers no server any more. */
  async failover(fail: () => Promise<unknown>): Promise<void> {
    const start = performance.now();
    await fail();
    this.failovers.push({ start, end: performance.now() });
  }

  /** The current session of each group of clients, with its newest cookies. */
  get sessions(): readonly Membership[] {
    return this.hotSessions.map(({ now }) => now);
  }

  /**
   * Asks each server for the current sessions: as somebody who has seen nothing since they started, or as a client of
   * them.
   */
  async finalAnswers(servers: readonly string[], as: 'somebody' | 'a client'): Promise<FinalAnswer[]> {
    const answers: FinalAnswer[] = [];
    const askOne = async (url: string, server: number): Promise<void> => {
      for (const { now } of this.hotSessions) {
        const { session, cookies } = now;
        // Other clients may still use an id from before the last renewal.
        const client = this.clients.find(({ device }) => idOf(device.cookies) === idOf(cookies));
        const asked = as === 'a client' && client ? client.device.cookies : havingSeenNothing(cookies);
        const seen = await eventually('the server answers', () => this.askFinally(url, asked));
        answers.push({ session, server, seen: seen === 'none' ? undefined : seen });
      }
    };
    await Promise.all(servers.map(askOne));
    return answers;
  }

  close(): void {
    this.isClosed = true;
    this.agent.destroy();
  }

  private async askFinally(url: string, cookies: Cookies): Promise<SeenState | 'none'> {
    const device = new Device('judge', this.agent);
    device.cookies = cookies;
    const { status, text } = await device.ask('GET', `${url}/read`, 10_000);
    if (status !== 200 && status !== 401) throw new Error(`a server answers ${status} when all is quiet: ${text}`);
    return status === 200 ? (JSON.parse(text) as SeenState) : 'none';
  }

  private async runClient(client: Client): Promise<void> {
    const { routes = mixedRoutes, thinkMs = 200 } = this.options;
    await pause(Math.random() * thinkMs);
    while (!this.isOver && !this.isClosed) {
      const { path, kind } = drawRoute(routes);
      const start = performance.now();
      const outcome = await this.play(client, path, kind);
      if (outcome === 'anonymous') join(client, await client.hot.rejoin(client.membership));
      // Do not overload a busy machine: it would answer everything late, and no answer could be stale.
      await pause(Math.random() * (thinkMs + 3 * (performance.now() - start)));
    }
  }

  private async play(client: Client, path: string, kind: RequestKind): Promise<RequestOutcome> {
    const { hot, device } = client;
    if (kind === 'read') return this.send(client, 'GET', path, kind);
    if (kind === 'write' || kind === 'pair') return this.send(client, 'POST', `${path}/${device.name}`, kind);
    // A client that ends or renews an id must know the newest one. An older id would end nothing, and another client
    // may be renewing it.
    if (hot.isBeingRenewed || hot.now.session !== client.membership.session)
      return this.send(client, 'GET', 'read', 'read');
    if (hot.now.generation !== client.membership.generation) join(client, hot.now);
    if (kind === 'logout') return this.send(client, 'POST', path, kind);
    const request = this.send(client, 'POST', path, kind);
    await hot.renew(request.then((outcome) => (outcome === 'ok' ? device.cookies : undefined)));
    const outcome = await request;
    if (outcome === 'ok') client.membership = hot.now;
    return outcome;
  }

  private async send(client: Client, method: 'GET' | 'POST', path: string, kind: RequestKind): Promise<RequestOutcome> {
    const { device } = client;
    const { session, generation } = client.membership;
    const server = Math.floor(Math.random() * this.options.servers.length);
    return this.record(device, method, server, path, { session, generation, kind });
  }

  private async record(
    device: Device,
    method: 'GET' | 'POST',
    server: number,
    path: string,
    what: Pick<RequestEvent, 'session' | 'generation' | 'kind'>,
  ): Promise<RequestOutcome> {
    const url = `${this.options.servers[server]}/${path}`;
    const { patienceMs = 2_000 } = this.options;
    const event = await recordRequest(device, { ...what, method, url, server, patienceMs });
    this.requests.push(event);
    return event.outcome;
  }

  private async startSession(session: string): Promise<Cookies> {
    const giveUpAt = performance.now() + START_WITHIN_MS;
    while (!this.isClosed && performance.now() < giveUpAt) {
      const device = new Device(`starter of ${session}`, this.agent);
      const server = Math.floor(Math.random() * this.options.servers.length);
      const what = { session, generation: 0, kind: 'start' } as const;
      if ((await this.record(device, 'POST', server, `start/${session}`, what)) === 'ok') return device.cookies;
      await pause(20);
    }
    throw new Error(`no server starts a session: ${this.requests.at(-1)?.status}`);
  }
}

function join(client: Client, membership: Membership): void {
  client.membership = membership;
  client.device.cookies = membership.cookies;
}
