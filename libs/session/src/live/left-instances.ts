/**
 * Instances that finished requests left behind, one per bean: the next request goes on with one instead of decoding, as long as
 * the session still is what the instance shows.
 */
export class LeftInstances {
  /** Made for the first: most live sessions end with the request they were made for. */
  private byPart: Map<string, { readonly payload: string; readonly instance: object }> | undefined;

  /** @param payload what the instance shows */
  leave(part: string, payload: string, instance: object): void {
    this.byPart ??= new Map();
    this.byPart.set(part, { payload, instance });
  }

  /** Whoever takes one owns it. Undefined when there is none that shows `payload`. */
  take(part: string, payload: string): object | undefined {
    const left = this.byPart?.get(part);
    if (left?.payload !== payload) return undefined;
    this.byPart?.delete(part);
    return left.instance;
  }

  clear(): void {
    this.byPart?.clear();
  }
}
