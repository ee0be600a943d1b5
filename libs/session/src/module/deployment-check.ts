import { createHmac } from 'node:crypto';
import type { SessionRisk } from '../store/session-risk.js';
import type { SessionStore } from '../store/session-store.js';
import type { PayloadCipher } from '../store/payload-cipher.js';
import type { ResolvedSessionOptions } from './session.options.js';

/** Longer than two announcements are apart, so that a server that runs is never forgotten. */
const KEPT_MS = 25 * 60_000;

const DIGEST_LENGTH = 8;

/** Of a value that another server says, so much is shown. */
const SHOWN_LENGTH = 60;

interface CheckedOptions extends ResolvedSessionOptions {
  readonly cipher?: PayloadCipher | undefined;
}

/** What servers of one store must have in common: a client may be sent to any of them. */
interface Facts {
  /** Of each key a digest, which does not give it away; the first signs. Empty: ids are not signed. */
  readonly signingKeys: readonly string[];

  /** The names of these keys; the first encrypts. */
  readonly encryptionKeys: readonly string[];

  readonly [option: string]: string | number | readonly string[];
}

/**
 * Tells the servers of a store from each other's configuration: each says what has to be the same on all, and looks for
 * others that say something else. A deployment that is half done shows for a moment what a wrong one shows for ever:
 * servers that log each other's users out, or end their sessions at other times.
 */
export class DeploymentCheck {
  constructor(
    private readonly store: SessionStore,
    private readonly options: CheckedOptions,
  ) {}

  /** Not read before the application has started: keys are checked where they are used. */
  private facts(): Facts {
    const { signingKeys = [], cipher, idTransport, cookie, idleTimeoutMs, absoluteTimeoutMs } = this.options;
    return {
      signingKeys: signingKeys.map(digest),
      encryptionKeys: cipher?.keyNames ?? ['plain'],
      idTransport,
      'cookie.name': cookie?.name ?? 'the default',
      idleTimeoutMs,
      absoluteTimeoutMs,
    };
  }

  /**
   * Announces this server to the others. Has to be called at least every ten minutes, or it is forgotten.
   *
   * @throws (rejects with) what the store rejects with
   */
  async risks(): Promise<SessionRisk[]> {
    const mine = this.facts();
    const others = (await this.store.announce?.(JSON.stringify(mine), KEPT_MS)) ?? [];
    return others.flatMap(({ facts, ageMs }) => differenceRisks(mine, facts, ageMs));
  }
}

/** @param theirs what another server said so long ago */
function differenceRisks(mine: Facts, theirs: string, ageMs: number): SessionRisk[] {
  const differences = differencesBetween(mine, theirs);
  if (differences.length === 0) return [];
  const minutes = Math.round(ageMs / 60_000);
  return [
    {
      code: 'servers-differ',
      severity: 'high',
      meaning: `Another server on this store is configured differently: ${differences.join('; ')}.`,
      fix:
        `It was there ${minutes} minutes ago. Unless a deployment is under way, give all servers the same options, ` +
        'or another application a store or prefix of its own.',
    },
  ];
}

function digest(key: string): string {
  return createHmac('sha256', key)
    .update('nestjs-session-beans signing key')
    .digest('base64url')
    .slice(0, DIGEST_LENGTH);
}

/** @param text what another server says; one of another release may say other things, and a broken one anything */
function differencesBetween(mine: Facts, text: string): string[] {
  const theirs = parsed(text);
  if (!theirs) return [];
  const { signingKeys, encryptionKeys, ...options } = mine;
  const differences = Object.entries(options)
    .filter(([name, value]) => theirs[name] !== value)
    .map(([name, value]) => `${name} is ${shown(theirs[name])} there and ${shown(value)} here`);
  const signing = listed(theirs['signingKeys']);
  if (!accepts(signingKeys, signing[0])) differences.push('signingKeys: ids that it signs are refused here');
  if (!accepts(signing, signingKeys[0])) differences.push('signingKeys: ids that this server signs are refused there');
  const encryption = listed(theirs['encryptionKeys']);
  if (!accepts(encryptionKeys, encryption[0])) differences.push('encryptionKeys: what it stores cannot be read here');
  if (!accepts(encryption, encryptionKeys[0])) {
    differences.push('encryptionKeys: what this server stores cannot be read there');
  }
  return differences;
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') return value === undefined ? 'not said' : 'unreadable';
  return String(value).slice(0, SHOWN_LENGTH);
}

/** @param signing undefined: ids are not signed */
function accepts(keys: readonly unknown[], signing: unknown): boolean {
  return signing === undefined ? keys.length === 0 : keys.includes(signing);
}
