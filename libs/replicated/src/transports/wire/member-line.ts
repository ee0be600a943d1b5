import { ReplicationCallError } from '../replication-transport.js';
import type { ReplicationMember } from '../../members/replication-member.js';
import { ConnectionEndedError, type Dial, type WireConnection } from './wire-connection.js';
import { type CallingChannel, type Credentials, PeerRefusedError } from '../credentials/credentials.js';
import { patientTimeout } from './patient-timeout.js';
import { REJECTED_MS, SILENCE_MS } from './wire-limits.js';

interface Line {
  readonly connection: WireConnection;
  readonly channel: CallingChannel;
}

interface Waiting {
  isOver: boolean;
  abandon: () => void;
}

/**
 * The way to one member: one connection, made at the first call, used by all calls, and made anew when it has ended.
 */
export class MemberLine {
  private line: Line | undefined;
  private connecting: Promise<Line> | undefined;
  private rejection: { readonly error: PeerRefusedError; readonly at: number } | undefined;
  private attempting: AbortController | undefined;
  private isClosed = false;

  /** When it was last used, by `performance.now()`. */
  usedAt = 0;

  constructor(
    readonly member: ReplicationMember,
    private readonly dial: Dial,
    private readonly credentials: Credentials,
  ) {}

  /** @throws ReplicationCallError */
  call(text: string, timeoutMs: number): Promise<string> {
    this.usedAt = performance.now();
    const waiting: Waiting = { isOver: false, abandon: () => undefined };
    return new Promise((resolve, reject) => {
      const cancel = patientTimeout(timeoutMs, () => {
        waiting.isOver = true;
        waiting.abandon();
        reject(this.callError(new ReplicationCallError('silent', `no answer within ${timeoutMs} ms`)));
      });
      this.exchange(text, waiting)
        .then(resolve, (error: unknown) => reject(this.callError(error)))
        .finally(cancel);
    });
  }

  close(): void {
    this.isClosed = true;
    this.attempting?.abort(this.closed());
    this.line?.connection.destroy();
  }

  private async exchange(text: string, waiting: Waiting): Promise<string> {
    const { connection, channel } = this.openLine() ?? (await this.connect());
    // The caller has stopped waiting: a text that was never sent cannot arrive late.
    if (waiting.isOver) return '';
    const sealed = channel.seal(text);
    const { answer, abandon } = connection.exchange(sealed.text);
    waiting.abandon = abandon;
    try {
      return sealed.open(await answer);
    } catch (error) {
      connection.destroy();
      // If the member has died with its connection, the next attempt to connect shows it.
      if (error instanceof ConnectionEndedError) await this.connect();
      throw error;
    }
  }

  private openLine(): Line | undefined {
    return this.line && !this.line.connection.isEnded ? this.line : undefined;
  }

  private connect(): Promise<Line> {
    const line = this.openLine();
    if (line) return Promise.resolve(line);
    this.connecting ??= this.attempts().finally(() => (this.connecting = undefined));
    return this.connecting;
  }

  private async attempts(): Promise<Line> {
    if (this.rejection && performance.now() - this.rejection.at < REJECTED_MS) throw this.rejection.error;
    try {
      this.line = await this.attempt().catch((error: unknown) => {
        // The member may have died a moment ago: a second attempt tells "nobody listens there" from "it does not accept
        // us".
        if (error instanceof ConnectionEndedError) return this.attempt();
        throw error;
      });
      this.rejection = undefined;
      return this.line;
    } catch (error) {
      const refusal =
        error instanceof ConnectionEndedError
          ? new PeerRefusedError(`it ends the connection before it says who it is (${error.message})`, { cause: error })
          : error;
      if (refusal instanceof PeerRefusedError) this.rejection = { error: refusal, at: performance.now() };
      throw refusal;
    }
  }

  private async attempt(): Promise<Line> {
    const { member } = this;
    if (this.isClosed) throw this.closed();
    this.attempting = new AbortController();
    const { signal } = this.attempting;
    const cancel = patientTimeout(SILENCE_MS, () =>
      this.attempting?.abort(new ReplicationCallError('silent', `no connection within ${SILENCE_MS} ms`)),
    );
    let connection: WireConnection | undefined;
    const giveUp = (): void => connection?.destroy();
    signal.addEventListener('abort', giveUp);
    try {
      connection = await this.dial(member, signal);
      const introduced = connection;
      const channel = await this.credentials.introduce(member.name, (text) => introduced.exchange(text).answer);
      signal.throwIfAborted();
      return { connection, channel };
    } catch (error) {
      connection?.destroy();
      signal.throwIfAborted();
      throw error;
    } finally {
      cancel();
      signal.removeEventListener('abort', giveUp);
      this.attempting = undefined;
    }
  }

  private closed(): ReplicationCallError {
    return new ReplicationCallError('silent', 'this server is leaving');
  }

  private callError(error: unknown): ReplicationCallError {
    const { name, host, port } = this.member;
    const where = `member ${name} at ${host}:${port}`;
    if (error instanceof ReplicationCallError)
      return new ReplicationCallError(error.reason, `${where}: ${error.message}`, { cause: error });
    if (error instanceof PeerRefusedError)
      return new ReplicationCallError('rejected', `${where} and this one do not accept each other: ${error.message}`, {
        cause: error,
      });
    return new ReplicationCallError('silent', `the connection to ${where} ended before the answer came`, {
      cause: error,
    });
  }
}
