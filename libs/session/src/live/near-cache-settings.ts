/** What the near cache reads of the module's options: `nearCache`, with the defaults in place. */
export interface NearCacheSettings {
  /** `validate`: the store is asked at each request whether the copy is still the newest. `bounded`: not while it tells this server what others change. */
  readonly mode: 'validate' | 'bounded';

  /** How many live sessions may stay without a request, and about how many bytes they may take. */
  readonly maxSessions: number;
  readonly maxBytes: number;

  /** `bounded`: how old, in ms, the last sign may be that the store has told everything. */
  readonly maxStalenessMs: number;
}
