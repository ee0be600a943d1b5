import { EventQueue } from './event-queue.js';

/**
 * The time of the simulation, in ms. It jumps from event to event. Before the next event, all promises that an event
 * started settle, so that the order of everything depends only on the events.
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

  /** Runs all events that are due until `end`, unless `stop` returns true earlier. */
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

/**
 * Resolves when no microtask is left: Node runs a `nextTick` callback that was queued in a microtask after all
 * microtasks. This is exact, and much faster than a turn of the event loop.
 */
function atRest(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
