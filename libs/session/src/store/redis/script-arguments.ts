import { hash } from 'node:crypto';
import type { SessionChange } from '../session-change.js';
import type { ClientAccess, SessionAccess } from '../session-id.js';
import type { LoadOptions } from '../session-store.js';
import type { RecordEdit } from './record-edit.js';
import type { ScriptArguments } from './clients/redis-port.js';
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

  /**
   * @param edit what to write; undefined to ask for the session as it is stored
   * @param short short hash of the write id
   */
  save(change: SessionChange, edit: RecordEdit | undefined, short: string, isTracked: boolean): ScriptArguments {
    const { names, maxRecordBytes } = this;
    const { mode, writeId } = change;
    const access = mode === 'create' ? change : change.access;
    const lock = mode === 'create' ? undefined : change.lock;
    const key = names.session(access.key);
    const unusual = `${mode} ${accessText(access)} ${writeId} ${short} ${maxRecordBytes} ${lock ?? ''}`;
    const args: (string | number)[] = lock === undefined ? [1, key] : [2, key, names.lock(access.key)];
    if (edit) args.push(edit.expected, edit.front, edit.rest, edit.idleMs, edit.last, edit.dies, unusual);
    else args.push('?', '', '', '', '', '', unusual);
    // Each argument costs Redis as much as some hundred bytes.
    if (edit?.form !== 'usual') args.push(isTracked ? 'tracked' : '', edit?.form ?? 'small', ...(edit?.fields ?? []));
    else if (isTracked) args.push('tracked');
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

/** By it the script recognises a write that is sent again, among the last ones of the session. */
export function shortHash(writeId: string): string {
  return hash('sha256', writeId, 'base64url').slice(0, 8);
}

/** The access as the scripts compare it with a session. */
function accessText({ proof, logins }: { readonly proof?: string | undefined; readonly logins?: number }): string {
  return proof ?? `#${logins}`;
}
