import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { SessionKey } from '../../session-id.js';
import {
  type BriefConnection,
  type RedisClientPort,
  type RedisConnection,
  type RedisPort,
  type SinkConnection,
  isPassingFault,
} from '../clients/redis-port.js';
import type { RedisKeyNames } from '../redis-key-names.js';
import { type RedisReply, parseRedisReply } from '../redis-reply.js';
import { CommandFailure } from '../send-command.js';
import { OwnChanges } from './own-changes.js';
import { TrackingWatch } from './tracking-watch.js';

/** A beat without an answer for so long will never get one. */
const SILENT_MS = 1_000;

const ARMED_WITHIN_MS = 3_000;

/** An error about one session, which moves to another server. The pair is fine for all others. */
const ELSEWHERE = /^(ASK|TRYAGAIN)\b/;

/** The answer to a command on `data`, or none. */
export type TrackedAnswer =
  | { readonly reply: RedisReply; readonly watch: TrackingWatch }
  | { readonly reply: undefined; readonly mayHaveRun: boolean };

export interface TrackingPairSetup {
  /** A connection to the server. The pair's connections are made with its settings. */
  readonly node: RedisConnection;

  /** The client that is used while there is no pair. Its changes have to be told like the changes of others. */
  readonly client: RedisClientPort;
  readonly names: RedisKeyNames;

  /** Whether the server serves a slot; always true without a cluster. */
  readonly serves: (slot: number) => boolean;
  readonly beatMs: number;
  readonly onChange: (key: SessionKey) => void;
}

/**
 * Two connections to one primary. Sessions are loaded and saved on `data`, and the server remembers what was read
 * there. On `sink` it sends a message when one of those sessions was changed. A pair ends when either connection gives
 * a reason for doubt; another pair takes its place.
 *
 * A beat proves that no message is missing. It asks `sink`, whose answer comes after all messages that were sent
 * before. Then it asks `data`, whose answer shows that the server still remembers what was read and is still a primary.
 * So all changes before the beat have been told.
 *
 * `data` is asked after `sink` has answered, not together with it. Then every command whose message may have come
 * before the answer of `sink` is answered before `data` is, and our own changes can be told from those of others.
 */
export class TrackingPair {
  private readonly sink: SinkConnection;
  private readonly data: BriefConnection;
  private readonly own: OwnChanges;

  /** The messages that came before the pair was armed. */
  private readonly earlyMessages: SessionKey[] = [];
  private watch = new TrackingWatch();
  private state: 'arming' | 'armed' | 'over' = 'arming';
  private beats: NodeJS.Timeout | undefined;

  /** Intervals since the present beat was sent; undefined when it was answered. */
  private intervalsWaited: number | undefined;
  private beatKey = '';

  /** @param onEnd is called once with the reason when the pair ends, unless it was closed */
  constructor(
    private readonly setup: TrackingPairSetup,
    private readonly onEnd: (reason: Error) => void,
  ) {
    this.own = new OwnChanges(setup.onChange);
    ({ sink: this.sink, data: this.data } = setup.node.trackingConnections(setup.names.clientPrefix));
    this.sink.onInvalidated((keys) => this.onMessage(keys));
    for (const connection of [this.sink, this.data]) connection.onLost((reason) => this.end(reason));
    void this.arm().catch((error: Error) => this.end(error));
  }

  get isArmed(): boolean {
    return this.state === 'armed';
  }

  /**
   * Sends a command that loads or changes a session.
   * @param showsState whether the caller learns from the answer what the session is now
   * @returns without a reply after a fault that passes by: the command has to be sent again with the ordinary client
   * @throws (rejects with) CommandFailure when the server has refused it
   */
  async ask(
    key: SessionKey,
    command: (connection: RedisPort) => Promise<Buffer>,
    showsState: boolean,
  ): Promise<TrackedAnswer> {
    const { watch, data } = this;
    const wasReady = data.isReady;
    let hasChanged = false;
    this.own.begin(key);
    try {
      const reply = parseRedisReply(await command(data));
      hasChanged = 'hasChanged' in reply && reply.hasChanged;
      return { reply, watch };
    } catch (error) {
      const mayHaveRun = data.mayHaveRun(error, wasReady);
      if (!isPassingFault(error)) throw new CommandFailure(error, mayHaveRun);
      if (!ELSEWHERE.test((error as Error).message)) this.end(error as Error);
      return { reply: undefined, mayHaveRun };
    } finally {
      this.own.end(key, hasChanged, showsState);
    }
  }

  close(): void {
    this.state = 'over';
    clearInterval(this.beats);
    this.watch.end();
    for (const connection of [this.sink, this.data]) connection.close();
  }

  private end(reason: Error): void {
    if (this.state === 'over') return;
    this.close();
    this.onEnd(reason);
  }

  private async arm(): Promise<void> {
    const late = (): void => this.end(new Error(`not ready after ${ARMED_WITHIN_MS} ms`));
    const limit = setTimeout(late, ARMED_WITHIN_MS).unref();
    try {
      const { names, serves } = this.setup;
      this.beatKey = names.session(names.unusedKey(serves));
      await Promise.all([this.sink.connect(), this.data.connect()]);
      const id = await this.sink.ask('CLIENT', 'ID');
      await this.sink.subscribe('__redis__:invalidate');
      await this.data.ask('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id));
      await this.tryOut();
      await this.ping();
    } finally {
      clearTimeout(limit);
    }
    // The pair may have ended while it was armed.
    if (this.state !== 'arming') return;
    this.state = 'armed';
    this.beats = setInterval(() => this.beat(), this.setup.beatMs).unref();
  }

  /**
   * Changes two sessions that do not exist, one on `data` and one with the ordinary client, and checks that one message
   * comes for each. This proves, without further rights, that all three connections lead to the same server, and that
   * the server sends the messages that `OwnChanges` relies on.
   */
  private async tryOut(): Promise<void> {
    const { client, names, serves } = this.setup;
    const [own, another] = [names.unusedKey(serves), names.unusedKey(serves)];
    await this.data.runForText('sessionBeansDestroy', [names.session(own), '', 1, 'try']);
    await this.data.runForText('sessionBeansLoad', [names.session(another), '', '', '', 1, 'load']);
    await client.runForText('sessionBeansDestroy', [names.session(another), '', 1, 'try']);
    await this.sink.ask('PING');
    for (const key of [own, another]) {
      const messages = this.earlyMessages.filter((early) => early === key).length;
      if (messages !== 1) throw new Error(`Redis told a change ${messages} times, expected was once`);
    }
  }

  private onMessage(keys: Buffer[] | null): void {
    if (keys === null) {
      // The database was flushed, and the server has forgotten what was read.
      this.watch.end();
      this.watch = new TrackingWatch();
      return;
    }
    for (const name of keys) {
      const key = this.setup.names.sessionUnder(name.toString());
      if (key === undefined) continue;
      if (this.state === 'arming') this.earlyMessages.push(key);
      else this.own.message(key);
    }
  }

  private beat(): void {
    if (this.intervalsWaited !== undefined) {
      // Intervals rather than time: after the event loop was blocked, the answer may be there without having been read.
      this.intervalsWaited++;
      if (this.intervalsWaited * this.setup.beatMs >= SILENT_MS) this.end(new Error(`no answer for ${SILENT_MS} ms`));
      return;
    }
    this.intervalsWaited = 0;
    this.ping().then(
      () => (this.intervalsWaited = undefined),
      (error: Error) => this.end(error),
    );
  }

  private async ping(): Promise<void> {
    const { watch } = this;
    const sentAt = performance.now();
    this.own.beatSent();
    await this.sink.ask('PING');
    this.own.sinkAnswered();
    await this.data.runForText('sessionBeansBeat', [this.beatKey]);
    // Callers get answers that came before this one first: such an answer may be all that shows another's change.
    await endOfTurn();
    this.own.dataAnswered();
    watch.advance(sentAt);
  }
}
