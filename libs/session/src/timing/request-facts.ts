import type { SessionKey } from '../store/session-key.js';

/** Of services that one request calls. */
const MOST_NAMES = 16;

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

  loadedBytes = 0;
  savedBytes = 0;
  conflicts = 0;
  retries = 0;
  readonly touched: string[] = [];
  readonly changed: string[] = [];
  readonly downstream: { name: string; calls: number; ms: number }[] = [];

  loaded(payloads: ReadonlyMap<string, string>): void {
    this.cache = 'miss';
    this.loadedBytes += bytesOf(payloads);
  }

  saves(part: string, payload: string): void {
    if (!this.changed.includes(part)) this.changed.push(part);
    this.savedBytes += Buffer.byteLength(payload);
  }

  /** A call to a service is over. */
  called(name: string, ms: number): void {
    const known = this.downstream.find((one) => one.name === name);
    if (known) {
      known.calls++;
      known.ms += ms;
    } else if (this.downstream.length < MOST_NAMES) {
      this.downstream.push({ name, calls: 1, ms });
    }
  }

  /** How large the session is, in UTF-8 bytes, and its largest part. */
  size(): { readonly bytes: number; readonly largest: string | undefined } {
    let bytes = 0;
    let most = -1;
    let largest: string | undefined;
    for (const [name, payload] of this.payloads ?? []) {
      const size = Buffer.byteLength(payload);
      bytes += size;
      if (size > most) [most, largest] = [size, name];
    }
    return { bytes, largest };
  }
}

function bytesOf(payloads: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const payload of payloads.values()) bytes += Buffer.byteLength(payload);
  return bytes;
}
