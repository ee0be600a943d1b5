import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';

/** The length of the time in which starts are counted. */
const WINDOW_MS = 1_000;

/** Clients of one generation, of which there are two. */
const MOST_CLIENTS = 10_000;

/**
 * Counts the sessions that clients start, in windows of one second. Nothing is remembered beyond that, and never more
 * than two generations of clients: when one is full, the older one is forgotten, so a flood from many addresses takes
 * no more than 4 MB of heap.
 */
export class StartsPerClient {
  private young = new Map<string, number>();
  private old = new Map<string, number>();
  private since = -Infinity;

  constructor(
    private readonly most: number,
    private readonly mostClients = MOST_CLIENTS,
  ) {}

  /** The number of clients that are remembered. */
  get size(): number {
    return this.young.size + this.old.size;
  }

  /**
   * Counts a start, unless it is one too many.
   * @param client an address, or any other text that tells clients apart
   * @returns 0, or after how many ms the client may start a session again
   */
  add(client: string, now: number): number {
    const age = now - this.since;
    // Negative when the clock was set back.
    if (age < 0 || age >= WINDOW_MS) this.startWindow(now);
    // A hash: it is short, and shares no memory with the header that the text was cut out of.
    const key = hash('sha256', clientNetwork(client), 'base64url');
    const starts = this.young.get(key) ?? this.old.get(key) ?? 0;
    if (starts >= this.most) return this.since + WINDOW_MS - now;
    if (this.young.size >= this.mostClients) this.startGeneration();
    this.young.set(key, starts + 1);
    return 0;
  }

  private startWindow(now: number): void {
    this.startGeneration();
    this.old = new Map();
    this.since = now;
  }

  private startGeneration(): void {
    this.old = this.young;
    this.young = new Map();
  }
}

/** `192.0.2.1:4711` and `[2001:db8::1]:4711`: some proxies pass the port on, which is another with each connection. */
const WITH_PORT = /^(?:(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]*)\](?::\d+)?)$/;

/** IPv6 addresses of IPv4 clients: those of sockets (`::ffff:192.0.2.1`), and those of translators (RFC 6052). */
const IPV4_PREFIXES = ['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0'];

/**
 * The part of an address that one client has: an IPv4 address; of an IPv6 address the first 64 bits, since a client may
 * choose the others. Another text stays as it is.
 */
export function clientNetwork(text: string): string {
  const [, ipv4, ipv6] = WITH_PORT.exec(text) ?? [];
  const address = ipv4 ?? ipv6 ?? text;
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  const hex = groups.map((group) => group.toString(16));
  if (!IPV4_PREFIXES.includes(hex.slice(0, 6).join(':'))) return `${hex.slice(0, 4).join(':')}::/64`;
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [withoutZone = ''] = address.split('%', 1);
  const [head = [], tail] = withoutZone.split('::').map((half) => half.split(':').flatMap(groupsOfText));
  if (!tail) return head;
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return [...head, ...zeros, ...tail];
}

/** An address may end with an IPv4 address, which stands for two groups. */
function groupsOfText(text: string): number[] {
  if (text === '') return [];
  if (!text.includes('.')) return [Number.parseInt(text, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}
