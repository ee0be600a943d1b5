import { setTimeout as pause } from 'node:timers/promises';

/** Keeps clients busy, each with one request after the other, until it is stopped. */
export class Load<T> {
  private isOver = false;
  private readonly loops: Promise<void[]>;

  /**
   * @param pauseMs pause of a client between two requests. Without one the load would leave the servers no processor
   * time
   */
  constructor(
    clients: readonly T[],
    private readonly request: (client: T, turn: number) => Promise<unknown>,
    private readonly pauseMs = 5,
  ) {
    this.loops = Promise.all(clients.map((client) => this.run(client)));
    // `stop` reports the error.
    this.loops.catch(() => undefined);
  }

  /** Waits until the last request is answered. @throws the error of a request */
  async stop(): Promise<void> {
    this.isOver = true;
    await this.loops;
  }

  private async run(client: T): Promise<void> {
    for (let turn = 0; !this.isOver; turn++) {
      await this.request(client, turn);
      await pause(this.pauseMs);
    }
  }
}
