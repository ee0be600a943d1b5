import { hash } from 'node:crypto';
import type { SessionChange } from '../session-change.js';
import type { SessionAccess } from '../session-id.js';
import type { SessionLifetime } from '../session-record.js';
import type { LoadOptions } from '../session-store.js';
import type { ScriptArguments } from './redis-client.js';
import type { RedisKeyNames } from './redis-key-names.js';

/** How long an ended key stays ended, for a creation that arrives late. */
const ENDED_MARK_MS = 120_000;

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
    return [this.names.session(access.key), opened(access), known, touchAfterMs ?? '', this.maxRecordBytes, 'load'];
  }

  touch(access: SessionAccess): ScriptArguments {
    return [this.names.session(access.key), opened(access), '', 0, this.maxRecordBytes, 'touch'];
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
      opened(access),
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
    return [this.names.session(access.key), opened(access), ENDED_MARK_MS, callId];
  }

  lock(access: SessionAccess, token: string, leaseMs: number): ScriptArguments {
    const { names } = this;
    return [names.session(access.key), names.lock(access.key), opened(access), token, leaseMs];
  }
}

/** The access as the scripts compare it with a session. */
function opened({ proof, logins }: { readonly proof?: string | undefined; readonly logins?: number }): string {
  return proof ?? `#${logins}`;
}

function lifetimeText({ idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs }: SessionLifetime): string {
  return `${idleTimeoutMs} ${absoluteTimeoutMs} ${unjoinedTimeoutMs}`;
}
