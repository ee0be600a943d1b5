import { recordOf } from './record-of.js';
import type { RequestEnd } from './request-end.js';
import type { RequestTiming } from './request-timing.js';
import type { SessionRequestRecord } from './session-request-record.js';

/** A request that is over, as the listeners of its application see it. Its record is made when somebody reads it: metrics do with less. */
export class FinishedRequest {
  private made: SessionRequestRecord | undefined;

  constructor(
    readonly timing: RequestTiming,
    readonly end: RequestEnd,
    private readonly node: string | undefined,
  ) {}

  get record(): SessionRequestRecord {
    return (this.made ??= recordOf(this.timing, this.node, this.end));
  }

  get isMisrouted(): boolean {
    return this.timing.facts.isMisrouted(this.node);
  }
}
