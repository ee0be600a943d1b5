import type { SessionKey } from '../../session-id.js';
import { type RedisClientPort, type RedisConnection, isErrorReply } from '../clients/redis-port.js';
import type { RedisKeyNames } from '../redis-key-names.js';
import { TrackingPair, type TrackingPairSetup } from './tracking-pair.js';

/** The server, or a proxy before it, does not know CLIENT TRACKING or forbids it: asking again soon is no use. */
const REFUSED = /^NOPERM|unknown|syntax|wrong number|not supported|unsupported|not allowed|disabled/i;
const REFUSED_RETRY_MS = 60_000;

/** The first pause before a new pair, which doubles with each pair that did not last. */
const RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

/** A pair that lived for longer was not at fault. */
const LASTING_MS = 1_000;

/** After so many pairs in a row that did not last, an operator is warned. */
const SHORT_PAIRS_UNTIL_WARNING = 10;

export interface SessionTrackingSetup {
  readonly client: RedisClientPort;
  readonly names: RedisKeyNames;
  readonly beatMs: number;
  readonly onChange: (key: SessionKey) => void;
  readonly warn: (warning: string) => void;
}

/** Keeps a `TrackingPair` to each primary that the store's client is connected to. */
export class SessionTracking {
  private readonly primaries = new Map<string, TrackedPrimary>();
  private readonly warned = new Set<string>();
  private readonly stopListening: () => void;

  constructor(private readonly setup: SessionTrackingSetup) {
    this.stopListening = setup.client.listen({ changed: () => this.followClient() });
    this.followClient();
  }

  /** The pair on which this session can be loaded and saved now, if there is one. */
  pairFor(key: SessionKey): TrackingPair | undefined {
    const { client, names } = this.setup;
    const name = client.primaryNameOf(client.isCluster ? names.slot(key) : 0);
    return name === undefined ? undefined : this.primaries.get(name)?.armed;
  }

  close(): void {
    this.stopListening();
    for (const primary of this.primaries.values()) primary.close();
    this.primaries.clear();
  }

  /** A server that the client has left, after a failover for example, is not trusted any more, and nor is its pair. */
  private followClient(): void {
    const nodes = this.setup.client.primaries();
    for (const [name, primary] of this.primaries) {
      if (nodes.get(name) === primary.node) continue;
      primary.close();
      this.primaries.delete(name);
    }
    for (const [name, node] of nodes) {
      if (!this.primaries.has(name)) this.primaries.set(name, this.track(name, node));
    }
  }

  private track(name: string, node: RedisConnection): TrackedPrimary {
    const { client } = this.setup;
    const serves = (slot: number): boolean => client.primaryNameOf(slot) === name;
    const onEnd = ({ message }: Error): void => {
      if (message.startsWith('MOVED')) client.refreshSlots();
      // A redirection of an ordinary command changes the slots of the client without an event.
      this.followClient();
    };
    return new TrackedPrimary({ ...this.setup, node, serves }, onEnd, (warning) => this.warnOnce(warning));
  }

  private warnOnce(warning: string): void {
    if (!this.warned.has(warning)) this.setup.warn(warning);
    this.warned.add(warning);
  }
}

/** Keeps a pair to one primary, and makes a new one soon after a pair has ended. No caller waits for a pair. */
class TrackedPrimary {
  private pair: TrackingPair | undefined;

  /** Pairs in a row that did not last, the present one included. */
  private shortPairs = 0;
  private retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly setup: TrackingPairSetup,
    private readonly onEnd: (reason: Error) => void,
    private readonly warn: (warning: string) => void,
  ) {
    this.open();
  }

  get node(): RedisConnection {
    return this.setup.node;
  }

  /** The pair, if sessions can be loaded and saved on it now. */
  get armed(): TrackingPair | undefined {
    return this.pair?.isArmed ? this.pair : undefined;
  }

  close(): void {
    clearTimeout(this.retry);
    this.pair?.close();
  }

  private open(): void {
    const openedAt = performance.now();
    this.pair = new TrackingPair(this.setup, (reason) => {
      const isRefused = isErrorReply(reason) && REFUSED.test(reason.message);
      this.shortPairs = performance.now() - openedAt > LASTING_MS && !isRefused ? 1 : this.shortPairs + 1;
      if (isRefused) {
        this.warn(
          `the near cache works in mode validate until Redis lets this application follow changes: it needs CLIENT ` +
            `TRACKING with REDIRECT, and SUBSCRIBE to the channel __redis__:invalidate: ${reason.message}`,
        );
      } else if (this.shortPairs === SHORT_PAIRS_UNTIL_WARNING) {
        this.warn(
          'the near cache works in mode validate: its connections to Redis do not last, trying again: ' +
            reason.message,
        );
      }
      const backOffMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (this.shortPairs - 1));
      this.retry = setTimeout(() => this.open(), isRefused ? REFUSED_RETRY_MS : backOffMs).unref();
      this.onEnd(reason);
    });
  }
}
