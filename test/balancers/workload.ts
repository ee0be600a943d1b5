import { eventually } from '../support/eventually.js';
import type { BalancedCluster } from './balanced-cluster.js';
import { CountingClient } from './counting-client.js';
import { Load } from './load.js';
import { ShoppingClient } from './shopping-client.js';

/** Shopping clients order one article per this many checks of the cart, and at most this many: a cart is sent whole. */
const CHECKS_PER_ARTICLE = 10;
const ARTICLES = 60;

export interface WorkloadReport {
  readonly requests: number;
  readonly acknowledged: number;

  /**
   * Acknowledged updates that are missing, articles that are there twice, and surplus counts without an explanation.
   */
  readonly problems: readonly string[];

  /** How often a client got another answer than it asked for, by status; 0 where its connection ended. */
  readonly failures: Readonly<Record<string, number>>;

  /**
   * Counts beyond the acknowledged ones. A request may be carried out without an answer, or twice, because the balancer
   * may repeat a GET.
   */
  readonly surplus: number;
}

/** Clients that keep a cluster busy, and then check that it has kept its promises. The test closes it. */
export class Workload {
  readonly counting: readonly CountingClient[];
  readonly shopping: readonly ShoppingClient[];
  private load: Load<CountingClient | ShoppingClient> | undefined;
  private retriesBefore = 0;

  constructor(
    private readonly cluster: BalancedCluster,
    { counting, shopping }: { readonly counting: number; readonly shopping: number },
  ) {
    this.counting = Array.from({ length: counting }, () => new CountingClient(cluster.url));
    this.shopping = Array.from({ length: shopping }, () => new ShoppingClient(cluster.url));
  }

  get clients(): readonly (CountingClient | ShoppingClient)[] {
    return [...this.counting, ...this.shopping];
  }

  /**
   * Starts all sessions before any fault, because a session whose first answer is lost begins anew. Then starts the
   * load.
   */
  async start(): Promise<void> {
    this.retriesBefore = await this.cluster.retriesOf('/count');
    for (const client of this.counting) await client.countUp(1);
    for (const client of this.shopping) await client.shop();
    this.load = new Load(this.clients, (client, turn) => work(client, turn));
  }

  /** Waits until this many more requests were sent. */
  async sendsMore(requests: number): Promise<void> {
    const goal = this.requests + requests;
    await eventually(`${goal} requests`, () => this.requests >= goal, 60_000);
  }

  get requests(): number {
    const checks = this.shopping.reduce((sum, client) => sum + client.checks, 0);
    return this.counting.reduce((sum, client) => sum + client.sent, checks);
  }

  /** Waits until the last request is answered. */
  async stop(): Promise<void> {
    await this.load?.stop();
  }

  /** Ends the load, and checks every session once more. */
  async report(): Promise<WorkloadReport> {
    await this.stop();
    const failures: Record<string, number> = {};
    for (const status of this.clients.flatMap((client) => client.failures)) {
      failures[status] = (failures[status] ?? 0) + 1;
    }
    const problems: string[] = [];
    let surplus = 0;
    for (const client of this.counting) {
      const number = await client.number('/count/peek');
      problems.push(...client.lost.map((text) => `count: ${text}`));
      if (number < client.acknowledged) problems.push(`count: ${number} of ${client.acknowledged} acknowledged`);
      surplus += number - client.acknowledged;
    }
    for (const client of this.shopping) {
      if (!(await client.checkCart())) problems.push('a cart that cannot be seen');
      problems.push(
        ...client.lost.map((sku) => `cart: ${sku} lost`),
        ...client.wrong.map((sku) => `cart: ${sku} twice`),
      );
    }
    const unanswered = this.counting.reduce((sum, client) => sum + client.failures.length, 0);
    const replayed = (await this.cluster.retriesOf('/count')) - this.retriesBefore;
    if (surplus > unanswered + replayed) {
      problems.push(`count: ${surplus} more than acknowledged, but ${unanswered} unanswered and ${replayed} replayed`);
    }
    const acknowledged = this.clients.reduce(
      (sum, client) => sum + (client instanceof CountingClient ? client.acknowledged : client.acknowledged.length),
      0,
    );
    return { requests: this.requests, acknowledged, problems, failures, surplus };
  }

  close(): void {
    for (const client of this.clients) client.close();
  }
}

async function work(client: CountingClient | ShoppingClient, turn: number): Promise<void> {
  if (client instanceof CountingClient) await client.count();
  else if (turn % CHECKS_PER_ARTICLE === 0 && client.ordered.length < ARTICLES) await client.shop();
  else await client.checkCart();
}
