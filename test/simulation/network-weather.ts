/** How the network between the members treats messages; a call is two of them. Times in ms, the others shares from 0 to 1. */
export interface NetworkWeather {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly loss: number;

  /** Of messages that come twice, the second time up to `lateMs` later. */
  readonly repeated: number;

  /** Of messages that take up to `lateMs`. */
  readonly late: number;
  readonly lateMs: number;
}
