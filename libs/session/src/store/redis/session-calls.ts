import { SessionStateError } from '../../errors/session-state.error.js';
import type { SessionKey } from '../session-id.js';
import type { SessionRecord } from '../session-record.js';
import type { SessionWatch } from '../session-store.js';
import type { RedisPort } from './clients/redis-port.js';
import { recordOf } from './record-lines.js';
import { type RedisReply, parseRedisReply } from './redis-reply.js';
import { type EarlierAttempt, sendWithRetries } from './send-command.js';
import type { ServerTime } from './server-time.js';
import type { TrackingPair } from './tracking/tracking-pair.js';

/** A call of a script that loads or saves a session. */
export interface ScriptCall {
  readonly key: SessionKey;

  /** The client, where no connection of a near cache takes the call. */
  readonly client: RedisPort;

  /** @param isTracked whether CLIENT TRACKING shall follow the session from now on */
  readonly run: (client: RedisPort, isTracked: boolean) => Promise<Buffer>;

  /** Whether the caller learns from the answer what the session is now. Default true. */
  readonly showsState?: boolean;

  readonly earlier?: EarlierAttempt;
}

/** An answer of the load or the save script that is none of the errors. */
export interface Answer {
  readonly reply:
    | Exclude<RedisReply, { code: 'record' | 'too-large' | 'foreign' | 'newer' }>
    | (Extract<RedisReply, { code: 'record' }> & { readonly record: SessionRecord });

  /** A field for the result of the load or save, where this server is told about changes by others. */
  readonly watched: { readonly watch: SessionWatch } | undefined;
}

/** Runs the scripts that load and save sessions, on a connection of the near cache where there is one. */
export class SessionCalls {
  /**
   * @param pairFor the connections of the near cache that may take calls of the client. (WAIT counts only the writes of
   *   the connection on which it is sent, so a separate writer keeps its saves.)
   */
  constructor(
    private readonly pairFor: (client: RedisPort, key: SessionKey) => TrackingPair | undefined,
    private readonly time: ServerTime | undefined,
    private readonly limits: { readonly prefix: string; readonly maxRecordBytes: number },
  ) {}

  /** @throws (rejects with) CommandFailure; SessionStateError when the session cannot be answered */
  async run({ key, client, run, showsState = true, earlier }: ScriptCall): Promise<Answer> {
    const pair = this.pairFor(client, key);
    if (!pair) return this.answerOf(parseRedisReply(await sendWithRetries(client, () => run(client, false), earlier)));
    const tracked = await pair.ask(key, (connection) => run(connection, true), showsState);
    if (tracked.reply) return this.answerOf(tracked.reply, { watch: tracked.watch });
    const mayHaveRun = tracked.mayHaveRun || earlier?.mayHaveRun === true;
    return this.answerOf(parseRedisReply(await sendWithRetries(client, () => run(client, false), { mayHaveRun })));
  }

  private answerOf(reply: RedisReply, watched?: Answer['watched']): Answer {
    if (reply.code === 'too-large') throw this.refusal(reply.code, reply.bytes);
    if (reply.code === 'newer') throw this.refusal(reply.code, reply.format);
    if (reply.code === 'foreign') throw this.refusal(reply.code);
    if ('now' in reply) this.time?.note(reply.now);
    if (reply.code !== 'record') return { reply, watched };
    const record = recordOf(reply.copy.lines, reply.expiresAt);
    if (!record) throw this.refusal('foreign');
    return { reply: { ...reply, record }, watched };
  }

  /** @param detail the bytes or the format of the session */
  refusal(code: 'too-large' | 'foreign' | 'newer', detail?: number | string): SessionStateError {
    if (code === 'newer')
      return new SessionStateError(
        'the stored session',
        `was written by a newer release of nestjs-session-beans (its record has format ${detail}, this release reads ` +
          'format 1); it is left as it is; update this server',
        { reason: 'newer-version' },
      );
    const problem =
      code === 'too-large'
        ? `is ${detail} bytes large, maxRecordBytes allows ${this.limits.maxRecordBytes}`
        : `is damaged, or was not written by this package (prefix '${this.limits.prefix}')`;
    return new SessionStateError('the stored session', `${problem}; it is left as it is`, { reason: 'undecodable' });
  }
}
