import type { RequestEvent, Wipe } from './history.js';

/** The ends of one session and of its ids, as far as its clients know them. */
export class SessionEnds {
  private readonly ends: RequestEvent[] = [];

  /** The session was created between these two moments. */
  private readonly start: number;
  private readonly started: number;

  /** @param requests all requests of the session */
  constructor(
    requests: readonly RequestEvent[],
    private readonly wipes: readonly Wipe[],
  ) {
    this.start = requests.reduce((first, { start }) => Math.min(first, start), Infinity);
    const answered = requests.filter(({ outcome }) => outcome === 'ok');
    this.started = answered.reduce((first, { end }) => Math.min(first, end), Infinity);
    for (const request of requests) {
      const isEnd = request.kind === 'logout' || request.kind === 'renew';
      if (isEnd && (request.outcome === 'ok' || request.outcome === 'unknown')) this.ends.push(request);
    }
  }

  /** Tells whether the id may have been invalid at the moment when the answer came. */
  mayHaveEnded({ generation, end: moment }: Pick<RequestEvent, 'generation' | 'end'>): boolean {
    return (
      this.ends.some((end) => end.start < moment && this.concerns(end, generation)) ||
      this.wipes.some((wipe) => wipe.start < moment && this.start < wipe.end)
    );
  }

  /**
   * How long, in ms, the id had certainly been invalid when the request was sent: because another client ended it, or
   * this one. -Infinity: it may have been valid.
   */
  endedFor({ generation, start: moment, client }: RequestEvent): { others: number; own: number } {
    let [others, own] = [-Infinity, -Infinity];
    for (const end of this.ends) {
      if (end.outcome !== 'ok' || !this.concerns(end, generation)) continue;
      others = Math.max(others, moment - end.end);
      if (end.client === client) own = Math.max(own, moment - end.end);
    }
    for (const wipe of this.wipes) if (this.started < wipe.start) others = Math.max(others, moment - wipe.end);
    return { others, own };
  }

  /** A logout ends the session with all its ids. A renewal ends one id. */
  private concerns(end: RequestEvent, generation: number): boolean {
    return end.kind === 'logout' || end.generation === generation;
  }
}
