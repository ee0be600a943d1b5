import { setTimeout as pause } from 'node:timers/promises';

/** Between two requests of a client, in ms. Without it the load would take the machine from those who are loaded. */
const PAUSE_MS = 5;

/** Keeps clients busy, each with one request after the other, until it is stopped. */
export class Load<T> {
  private isOver = false;
  private readonly loops: Promise<void[]>;

  constructor(
    clients: readonly T[],
    private readonly request: (client: T, turn: number) => Promise<unknown>,
  ) {
    this.loops = Promise.all(clients.map((client) => this.run(client)));
    // Told by `stop`.
    this.loops.catch(() => undefined);
  }

  /** Resolves when the last request is answered. @throws what a request threw */
  async stop(): Promise<void> {
    this.isOver = true;
    await this.loops;
  }

  private async run(client: T): Promise<void> {
    for (let turn = 0; !this.isOver; turn++) {
      await this.request(client, turn);
      await pause(PAUSE_MS);
    }
  }
}
