/** How the network between the members treats messages. A call consists of two messages. Shares are between 0 and 1. */
export interface NetworkConditions {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly loss: number;

  /** The share of messages that arrive a second time, up to `lateMs` later. */
  readonly repeated: number;

  /** The share of messages that take up to `lateMs` instead of `maxDelayMs`. */
  readonly late: number;
  readonly lateMs: number;

  /** The share of groups of messages of which only the first ones are handled. */
  readonly halved: number;
}
