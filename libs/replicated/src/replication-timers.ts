/** Time as the protocol sees it; the simulation has its own. */
export interface ReplicationTimers {
  /** Monotonic, in ms. */
  now(): number;

  /** Calls back once, after at least `ms`. @returns what cancels it */
  after(ms: number, callback: () => void): () => void;
}
