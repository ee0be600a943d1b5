import { hash } from 'node:crypto';
import type { SessionChange } from '../session-change.js';
import type { ClientAccess, SessionAccess } from '../session-id.js';
import type { SessionLifetime } from '../session-record.js';
import type { LoadOptions } from '../session-store.js';
import type { ScriptArguments } from './redis-client.js';
import type { RedisKeyNames } from './redis-key-names.js';

/** How long a mark stays where there is no session: an ended key stays ended, and a superseded proof is recognised. */
const MARK_MS = 120_000;

/**
 * The arguments of the scripts, whose headers explain them. Only this file knows their order, and only `redis-reply.ts`
 * knows the shape of the answers.
 */
export class RedisScriptArguments {
  constructor(
    private readonly names: RedisKeyNames,
    private readonly maxRecordBytes: number,
  ) {}

  load(access: SessionAccess, { known = '', touchAfterMs }: LoadOptions): ScriptArguments {
    return [this.names.session(access.key), accessText(access), known, touchAfterMs ?? '', this.maxRecordBytes, 'load'];
  }

  touch(access: SessionAccess): ScriptArguments {
    return [this.names.session(access.key), accessText(access), '', 0, this.maxRecordBytes, 'touch'];
  }

  save(change: SessionChange): ScriptArguments {
    const { names, maxRecordBytes } = this;
    const { mode, writeId, lifetime, parts } = change;
    const isCreation = mode === 'create';
    const access = isCreation ? change : change.access;
    const renewal = isCreation ? undefined : change.renewal;
    const args: (string | number)[] = [
      names.session(access.key),
      names.lock(access.key),
      renewal ? 'renew' : mode,
      accessText(access),
      writeId,
      hash('sha256', writeId, 'base64url').slice(0, 8),
      lifetime ? lifetimeText(lifetime) : '',
      maxRecordBytes,
      isCreation ? '' : (change.lock ?? ''),
    ];
    if (isCreation) args.push(change.principal ?? '');
    if (renewal) {
      const { proof, principal = '', keep } = renewal;
      args.push(principal, proof, keep ? keep.length : 'all', ...(keep ?? []));
    }
    for (const [name, { base, payload }] of parts)
      args.push(name, base ?? '', payload === null ? 'remove' : 'set', payload ?? '');
    return args;
  }

  /** @param callId tells the script that a call that is sent again is the same one */
  destroy(access: SessionAccess, callId: string): ScriptArguments {
    return [this.names.session(access.key), accessText(access), MARK_MS, callId];
  }

  supersede(access: ClientAccess): ScriptArguments {
    return [this.names.session(access.key), access.proof, MARK_MS];
  }

  lock(access: SessionAccess, token: string, leaseMs: number): ScriptArguments {
    const { names } = this;
    return [names.session(access.key), names.lock(access.key), accessText(access), token, leaseMs];
  }
}

/** The access as the scripts compare it with a session. */
function accessText({ proof, logins }: { readonly proof?: string | undefined; readonly logins?: number }): string {
  return proof ?? `#${logins}`;
}

function lifetimeText({ idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs }: SessionLifetime): string {
  return `${idleTimeoutMs} ${absoluteTimeoutMs} ${unjoinedTimeoutMs}`;
}
