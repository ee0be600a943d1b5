import { createHmac } from 'node:crypto';
import type { StoreGateway } from '../store/store-gateway.js';
import type { ResolvedSessionOptions } from './session.options.js';

const AGAIN_MS = 10 * 60_000;
const AGAIN_AFTER_FAILURE_MS = 30_000;

/** Longer than two announcements are apart, so that a server that runs is never forgotten. */
const KEPT_MS = 25 * 60_000;

const DIGEST_LENGTH = 8;

/** What servers of one store must have in common: a client may be sent to any of them. */
interface Facts {
  /** Of each key a digest, which does not give it away; the first signs. Empty: ids are not signed. */
  readonly signingKeys: readonly string[];

  readonly [option: string]: string | number | readonly string[];
}

/**
 * Tells the servers of a store from each other's configuration: at boot and every ten minutes, each says what has to be
 * the same on all, and warns of others that say something else. A deployment that is half done shows for a moment what
 * a wrong one shows for ever: servers that log each other's users out, or end their sessions at other times.
 */
export class DeploymentCheck {
  private readonly facts: Facts;
  private readonly warned = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly gateway: StoreGateway,
    { signingKeys = [], idTransport, cookie, idleTimeoutMs, absoluteTimeoutMs }: ResolvedSessionOptions,
    private readonly warn: (warning: string) => void,
  ) {
    this.facts = {
      signingKeys: signingKeys.map(digest),
      idTransport,
      'cookie.name': cookie?.name ?? 'the default',
      idleTimeoutMs,
      absoluteTimeoutMs,
    };
  }

  /** Never rejects: the store may be down. */
  async start(): Promise<void> {
    const others = await this.gateway.announce(JSON.stringify(this.facts), KEPT_MS).catch(() => undefined);
    for (const { facts, ageMs } of others ?? []) this.compare(facts, ageMs);
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.start(), others ? AGAIN_MS : AGAIN_AFTER_FAILURE_MS).unref();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private compare(text: string, ageMs: number): void {
    if (this.warned.has(text)) return;
    this.warned.add(text);
    const differences = differencesBetween(this.facts, text);
    if (differences.length === 0) return;
    const minutes = Math.round(ageMs / 60_000);
    this.warn(
      `another server on this store is configured differently: ${differences.join('; ')}. It was there ${minutes} ` +
        'minutes ago. Unless a deployment is under way, give all servers the same options, or another application ' +
        'a store or prefix of its own',
    );
  }
}

function digest(key: string): string {
  return createHmac('sha256', key)
    .update('nestjs-session-beans signing key')
    .digest('base64url')
    .slice(0, DIGEST_LENGTH);
}

/** @param text what another server says; one of another release may say other things */
function differencesBetween(mine: Facts, text: string): string[] {
  let theirs: Partial<Facts>;
  try {
    theirs = JSON.parse(text) as Partial<Facts>;
  } catch {
    return [];
  }
  const { signingKeys, ...options } = mine;
  const differences = Object.entries(options)
    .filter(([name, value]) => theirs[name] !== value)
    .map(([name, value]) => `${name} is ${String(theirs[name])} there and ${String(value)} here`);
  const others = Array.isArray(theirs.signingKeys) ? (theirs.signingKeys as readonly unknown[]) : [];
  if (!accepts(signingKeys, others[0])) differences.push('signingKeys: ids that it signs are refused here');
  if (!accepts(others, signingKeys[0])) differences.push('signingKeys: ids that this server signs are refused there');
  return differences;
}

/** @param signing undefined: ids are not signed */
function accepts(keys: readonly unknown[], signing: unknown): boolean {
  return signing === undefined ? keys.length === 0 : keys.includes(signing);
}
