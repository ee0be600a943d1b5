import { eventually } from '../support/eventually.js';
import type { BalancedCluster } from './balanced-cluster.js';
import { CountingClient } from './counting-client.js';
import { Load } from './load.js';
import { ShoppingClient } from './shopping-client.js';

/** One article per this many looks at the cart, and no more than this many: a cart is sent whole. */
const LOOKS_PER_ARTICLE = 10;
const ARTICLES = 60;

export interface WorkloadReport {
  readonly requests: number;
  readonly acknowledged: number;

  /**
   * Acknowledged updates that are not there any more, articles that are there twice, and numbers that nothing explains.
   * Empty when all is well.
   */
  readonly problems: readonly string[];

  /** How often a client was answered with something else than it asked for, by status; 0 where its connection ended. */
  readonly failures: Readonly<Record<string, number>>;

  /**
   * Counts beyond those acknowledged: carried out without an answer, or twice, since the balancer may send a GET again.
   */
  readonly surplus: number;
}

/** Clients that keep a cluster busy, and find out afterwards whether it has kept what it said. Close it. */
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

  /** Sessions exist before anything happens to them: one whose first answer is lost begins anew. */
  async start(): Promise<void> {
    this.retriesBefore = await this.cluster.retriesOf('/count');
    for (const client of this.counting) await client.countUp(1);
    for (const client of this.shopping) await client.shop();
    this.load = new Load(this.clients, (client, turn) => work(client, turn));
  }

  /** Resolves when so many requests more were sent. */
  async goesOn(requests: number): Promise<void> {
    const goal = this.requests + requests;
    await eventually(`${goal} requests`, () => this.requests >= goal, 60_000);
  }

  get requests(): number {
    const looks = this.shopping.reduce((sum, client) => sum + client.looks, 0);
    return this.counting.reduce((sum, client) => sum + client.sent, looks);
  }

  /** Resolves when the last request is answered. */
  async stop(): Promise<void> {
    await this.load?.stop();
  }

  /** Ends the load and looks at every session once more. */
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
      if (!(await client.look())) problems.push('a cart that cannot be seen');
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
  else if (turn % LOOKS_PER_ARTICLE === 0 && client.ordered.length < ARTICLES) await client.shop();
  else await client.look();
}
