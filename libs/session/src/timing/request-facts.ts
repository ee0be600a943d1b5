import type { SessionKey } from '../store/session-id.js';

/** Names of services that the record of one request keeps. */
const MOST_NAMES = 16;

/** The part of a PendingCommit that the record is made of. */
interface Commit {
  readonly differences: readonly { readonly bean: { readonly name: string }; readonly mine: string }[];
  readonly retries: number;
}

interface DownstreamCalls {
  readonly name: string;
  calls: number;
  ms: number;
}

// Most requests have one or none of each: an array is made when there is something to put into it.
const NO_NAMES: readonly string[] = Object.freeze([]);
const NO_CALLS: readonly DownstreamCalls[] = Object.freeze([]);
const NO_COMMIT: Commit = Object.freeze({ differences: [], retries: 0 });

/** The facts of a request and its session, besides times. Filled on the way; becomes the record. */
export class RequestFacts {
  /** `CountController.count` */
  handler: string | undefined;

  /** The key of the session: its first 8 characters are published. */
  key: SessionKey | undefined;

  /** Payload per part, as the request last saw the session. */
  payloads: ReadonlyMap<string, string> | undefined;

  /** `hit`: served without asking the store. `validated`: this server had the newest. `miss`: loaded. */
  cache: 'hit' | 'validated' | 'miss' | undefined;

  /** The client's text about where its session is. */
  locator: string | undefined;

  /** The client brought an id. */
  hasPresented = false;

  conflicts = 0;
  touched: readonly string[] = NO_NAMES;
  downstream: readonly DownstreamCalls[] = NO_CALLS;

  // Sums are worked out when they are asked for: not every listener asks.
  private lastCommit = NO_COMMIT;
  private savedBefore = 0;
  private retriesBefore = 0;
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

  /** The client brought an id, and with it this text about where its session is. */
  presents(locator: string | undefined): void {
    this.hasPresented = true;
    this.locator = locator;
  }

  /** The request sees its session in this state. */
  sees(key: SessionKey, payloads: ReadonlyMap<string, string>): void {
    this.key = key;
    this.payloads = payloads;
  }

  /** The request has handed a commit to the store. */
  saves(commit: Commit): void {
    // A stream may store as often as it likes: sums of the earlier commits are kept, and the last one.
    if (this.lastCommit !== NO_COMMIT) {
      this.changedBefore = new Set(this.changed);
      this.savedBefore = this.savedBytes;
      this.retriesBefore = this.retries;
    }
    this.lastCommit = commit;
  }

  /** The request has changed something that the store gets later. */
  defers({ differences }: Commit): void {
    this.changedBefore = new Set([...this.changed, ...differences.map(({ bean }) => bean.name)]);
  }

  /** How often a save was sent again because another server was quicker. */
  get retries(): number {
    return this.retriesBefore + this.lastCommit.retries;
  }

  /** Names of the beans that were changed. */
  get changed(): string[] {
    return [...new Set([...this.changedBefore, ...this.lastCommit.differences.map(({ bean }) => bean.name)])];
  }

  /** In UTF-8 bytes. */
  get savedBytes(): number {
    return this.lastCommit.differences.reduce((sum, { mine }) => sum + Buffer.byteLength(mine), this.savedBefore);
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
