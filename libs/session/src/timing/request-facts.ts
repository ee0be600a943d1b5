import type { SessionKey } from '../store/session-key.js';

/** Of services that one request calls. */
const MOST_NAMES = 16;

/** One bean that a commit stores: a PartDifference. */
interface Change {
  readonly bean: { readonly name: string };
  readonly mine: string;
}

interface DownstreamCalls {
  readonly name: string;
  calls: number;
  ms: number;
}

// Most requests have one or none of each: an array is made when there is something to put into it.
const NO_NAMES: readonly string[] = Object.freeze([]);
const NO_CALLS: readonly DownstreamCalls[] = Object.freeze([]);
const NO_CHANGES: readonly Change[] = Object.freeze([]);

/** What a request did with its session, besides taking time. Filled by the life cycle; becomes the record. */
export class RequestFacts {
  /** `CountController.count` */
  handler: string | undefined;

  /** The key of the session: its first 8 characters are published. */
  key: SessionKey | undefined;

  /** Payload per part, as the request last saw the session. */
  payloads: ReadonlyMap<string, string> | undefined;

  /** `hit`: taken from this server, unasked. `validated`: this server had the newest. `miss`: it came from the store. */
  cache: 'hit' | 'validated' | 'miss' | undefined;

  /** What the client brought as the place of its session. */
  locator: string | undefined;

  /** The client brought an id. */
  hasPresented = false;

  conflicts = 0;
  retries = 0;
  touched: readonly string[] = NO_NAMES;
  downstream: readonly DownstreamCalls[] = NO_CALLS;

  // What is told of them is worked out when somebody asks: not every listener does.
  private saved: readonly Change[] = NO_CHANGES;
  private savedBefore = 0;
  private changedBefore: Iterable<string> = NO_NAMES;
  private lastLoaded: ReadonlyMap<string, string> | undefined;
  private loadedBefore = 0;

  /** The payloads that were last measured, and what came of it: most requests end with those that they loaded. */
  private sized: ReadonlyMap<string, string> | undefined;
  private bytes = 0;
  private largest: string | undefined;

  loaded(payloads: ReadonlyMap<string, string>): void {
    this.cache = 'miss';
    this.loadedBefore = this.loadedBytes;
    this.lastLoaded = payloads;
  }

  touches(part: string): void {
    this.touched = [...this.touched, part];
  }

  saves(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    // A stream may store as often as it likes: no more than the last is kept.
    if (this.saved.length > 0) [this.changedBefore, this.savedBefore] = [new Set(this.changed), this.savedBytes];
    this.saved = changes;
  }

  /** Names of the beans that were changed. */
  get changed(): string[] {
    return [...new Set([...this.changedBefore, ...this.saved.map(({ bean }) => bean.name)])];
  }

  /** In UTF-8 bytes. */
  get savedBytes(): number {
    return this.saved.reduce((sum, { mine }) => sum + Buffer.byteLength(mine), this.savedBefore);
  }

  /** In UTF-8 bytes. */
  get loadedBytes(): number {
    return this.loadedBefore + (this.lastLoaded ? this.measure(this.lastLoaded).bytes : 0);
  }

  /** A call to a service is over. */
  called(name: string, ms: number): void {
    const known = this.downstream.find((one) => one.name === name);
    if (known) {
      known.calls++;
      known.ms += ms;
    } else if (this.downstream.length < MOST_NAMES) {
      this.downstream = [...this.downstream, { name, calls: 1, ms }];
    }
  }

  /** How large the session is, in UTF-8 bytes; 0 where there is none. */
  get sessionBytes(): number {
    return this.payloads ? this.measure(this.payloads).bytes : 0;
  }

  /** The largest part of the session. */
  get largestPart(): string | undefined {
    return this.payloads && this.measure(this.payloads).largest;
  }

  /** The client's locator names another server than this one first. */
  isMisrouted(node: string | undefined): boolean {
    const route = this.locator?.split('.', 1)[0];
    return route !== undefined && route !== '-' && node !== undefined && route !== node;
  }

  private measure(payloads: ReadonlyMap<string, string>): this {
    if (this.sized === payloads) return this;
    this.sized = payloads;
    this.bytes = 0;
    this.largest = undefined;
    let most = -1;
    for (const [name, payload] of payloads) {
      const size = Buffer.byteLength(payload);
      this.bytes += size;
      if (size > most) [most, this.largest] = [size, name];
    }
    return this;
  }
}
