import type { Socket } from 'node:net';

/** One direction of a connection. It passes bytes on in order, delayed on demand, and not at all while it is held. */
export class Wire {
  private readonly queue: { readonly due: number; readonly bytes: Buffer }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isHeld = false;

  constructor(private readonly to: Socket) {}

  pass(bytes: Buffer, delayMs: number): void {
    const after = this.queue.at(-1)?.due ?? 0;
    this.queue.push({ due: Math.max(after, performance.now() + delayMs), bytes });
    this.flush();
  }

  /** Lets no bytes arrive any more, like a network that loses everything. The sender gets no error. */
  hold(): void {
    this.isHeld = true;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Delivers all held bytes in order, as TCP does when the network is back. */
  release(): void {
    this.isHeld = false;
    this.flush();
  }

  private flush(): void {
    if (this.isHeld || this.timer) return;
    while (this.queue.length > 0) {
      const { due, bytes } = this.queue[0] as { due: number; bytes: Buffer };
      const wait = due - performance.now();
      if (wait > 0) {
        this.timer = setTimeout(() => {
          this.timer = undefined;
          this.flush();
        }, wait).unref();
        return;
      }
      this.queue.shift();
      if (this.to.writable) this.to.write(bytes);
    }
  }
}
