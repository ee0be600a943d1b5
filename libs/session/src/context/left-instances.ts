/**
 * Instances that finished requests left behind, one per bean: the next request goes on with one instead of decoding, as long as
 * the session still is what the instance shows.
 */
export class LeftInstances {
  private readonly byPart = new Map<string, { readonly payload: string; readonly instance: object }>();

  /** @param payload what the instance shows */
  leave(part: string, payload: string, instance: object): void {
    this.byPart.set(part, { payload, instance });
  }

  /** Whoever takes one owns it. Undefined when there is none that shows `payload`. */
  take(part: string, payload: string): object | undefined {
    const left = this.byPart.get(part);
    if (left?.payload !== payload) return undefined;
    this.byPart.delete(part);
    return left.instance;
  }

  clear(): void {
    this.byPart.clear();
  }
}
