/** Both sides changed a field, and nothing says what that means. An outcome, not an error. */
export class MergeConflict {
  /** @param field path inside the state, e.g. `address.city` or `prices.get("x")` */
  constructor(readonly field: string) {}
}
