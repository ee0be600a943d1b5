/**
 * Instances that finished requests left, one per bean: the next request uses one instead of decoding the payload, as
 * long as the session still is what the instance shows.
 */
export class KeptInstances {
  /** Made for the first instance: most live sessions end with the request they were made for. */
  private byPart: Map<string, { readonly payload: string; readonly instance: object }> | undefined;

  keep(part: string, payload: string, instance: object): void {
    this.byPart ??= new Map();
    this.byPart.set(part, { payload, instance });
  }

  take(part: string, payload: string): object | undefined {
    const kept = this.byPart?.get(part);
    if (kept?.payload !== payload) return undefined;
    this.byPart?.delete(part);
    return kept.instance;
  }

  clear(): void {
    this.byPart?.clear();
  }
}
