import { EventQueue } from './event-queue.js';

/**
 * The time of a simulated world, in ms. It moves from event to event; whatever an event set going with promises comes to rest before the
 * next one, so the order of everything is a function of the events.
 */
export class VirtualTime {
  private readonly events = new EventQueue();
  private moment = 0;

  get now(): number {
    return this.moment;
  }

  after(ms: number, run: () => void): void {
    this.events.add(this.moment + Math.max(0, ms), run);
  }

  /** Lets everything happen that is due until then, unless `stop` says that it is enough. */
  async runUntil(end: number, stop: () => boolean): Promise<void> {
    await atRest();
    while (!stop()) {
      const event = this.events.next;
      if (event === undefined || event.at > end) {
        this.moment = end;
        return;
      }
      this.events.removeNext();
      this.moment = event.at;
      event.run();
      await atRest();
    }
  }
}

/** Node calls back a tick that is asked for in a microtask when no microtask is left: exact, and much faster than a turn of the event loop. */
function atRest(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
