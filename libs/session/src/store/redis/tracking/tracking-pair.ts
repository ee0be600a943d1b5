import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { SessionKey } from '../../session-key.js';
import { gatherWrites } from '../gather-writes.js';
import { isPassing } from '../is-passing.js';
import type { ScriptedClient, TrackedConnection } from '../redis-client.js';
import type { RedisKeyNames } from '../redis-key-names.js';
import { type RedisReply, parseRedisReply } from '../redis-reply.js';
import { withoutArguments } from '../without-arguments.js';
import { keyOnServer } from './key-on-server.js';
import { OwnChanges } from './own-changes.js';
import { trackingConnections } from './tracking-connections.js';
import { TrackingWatch } from './tracking-watch.js';

/** A beat that is not answered for so long never will be. */
const SILENT_MS = 1_000;

const ARMED_WITHIN_MS = 3_000;

/** One session is elsewhere, or on its way; about the others nothing is wrong. */
const ELSEWHERE = /^(ASK|TRYAGAIN)\b/;

export interface TrackingPairSetup {
  /** The server: both connections are made like this one. */
  readonly node: Redis;

  /** The client that is used while there is no pair: what it changes has to be told like the changes of others. */
  readonly client: ScriptedClient;
  readonly names: RedisKeyNames;
  readonly serves: (slot: number) => boolean;
  readonly beatMs: number;
  readonly onChange: (key: SessionKey) => void;
}

/**
 * Two connections to one primary: `data`, on which sessions are loaded and saved, and whose reads the server remembers; and `sink`, on which the
 * server says when one of those was changed. Lives until either of them gives a reason for doubt, and is replaced by another one then.
 *
 * A beat asks the sink and then `data`. The answer of the sink comes after everything that was said before, and the answer on `data` shows that the
 * server still remembers its reads, and is a primary: so all that had happened when the beat was sent was told. One after the other, because
 * then every command whose message may have come before the sink's answer is answered before `data` is, and our own changes can be told from others'.
 */
export class TrackingPair {
  private readonly sink: Redis;
  private readonly data: TrackedConnection;
  private readonly own: OwnChanges;
  private readonly heard: SessionKey[] = [];
  private watch = new TrackingWatch();
  private state: 'arming' | 'armed' | 'over' = 'arming';
  private beats: NodeJS.Timeout | undefined;
  private silentBeats: number | undefined;
  private beatKey = '';

  /** @param onEnd told once why it is over, unless it was closed */
  constructor(
    private readonly setup: TrackingPairSetup,
    private readonly onEnd: (reason: Error) => void,
  ) {
    this.own = new OwnChanges(setup.onChange);
    ({ sink: this.sink, data: this.data } = trackingConnections(setup.node, setup.names));
    this.sink.on('messageBuffer', (_channel: Buffer, keys: Buffer[] | null) => this.hear(keys));
    for (const connection of [this.sink, this.data]) {
      connection.on('error', (error: Error) => this.end(error));
      connection.on('close', () => this.end(new Error('a connection was closed')));
    }
    void this.arm().catch((error: Error) => this.end(error));
  }

  get isArmed(): boolean {
    return this.state === 'armed';
  }

  /**
   * Sends a command that loads or changes a session. Undefined when it has to be sent again in the ordinary way, because of a fault that passes by.
   * @param showsState whether the answer shows what the session is
   * @throws what the server finally says, without the arguments of the command
   */
  async ask(
    key: SessionKey,
    command: (connection: ScriptedClient) => Promise<Buffer>,
    showsState: boolean,
  ): Promise<{ reply: RedisReply; watch: TrackingWatch } | undefined> {
    const { watch } = this;
    let hasChanged = false;
    this.own.begin(key);
    try {
      gatherWrites(this.data);
      const reply = parseRedisReply(await command(this.data));
      hasChanged = 'hasChanged' in reply && reply.hasChanged;
      return { reply, watch };
    } catch (error) {
      if (!isPassing(error)) throw withoutArguments(error);
      if (!ELSEWHERE.test((error as Error).message)) this.end(error as Error);
      return undefined;
    } finally {
      this.own.end(key, hasChanged, showsState);
    }
  }

  close(): void {
    this.state = 'over';
    clearInterval(this.beats);
    this.watch.end();
    for (const connection of [this.sink, this.data]) if (connection.status !== 'end') connection.disconnect();
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
      this.beatKey = names.session(keyOnServer(names, serves));
      await Promise.all([this.sink.connect(), this.data.connect()]);
      const id = await this.sink.client('ID');
      await this.sink.subscribe('__redis__:invalidate');
      await this.data.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id));
      await this.tryOut();
      await this.ping();
    } finally {
      clearTimeout(limit);
    }
    // It may be over by now.
    if (this.state !== 'arming') return;
    this.state = 'armed';
    this.beats = setInterval(() => this.beat(), this.setup.beatMs).unref();
  }

  /**
   * Changes two sessions that never were, one here and one with the ordinary client, and looks whether each change is said once. So it is known,
   * without asking for more rights, that all three connections lead to the same server, and that it does what `OwnChanges` goes by.
   */
  private async tryOut(): Promise<void> {
    const { client, names, serves } = this.setup;
    const [own, another] = [keyOnServer(names, serves), keyOnServer(names, serves)];
    await this.data.sessionBeansDestroy(names.session(own), 'any', 1, 'try');
    await this.data.sessionBeansLoad(names.session(another), '', '', 1, 'load');
    await client.sessionBeansDestroy(names.session(another), 'any', 1, 'try');
    await this.sink.ping();
    for (const key of [own, another]) {
      const times = this.heard.filter((heard) => heard === key).length;
      if (times !== 1) throw new Error(`Redis told a change ${times} times, expected was once`);
    }
  }

  private hear(keys: Buffer[] | null): void {
    if (keys === null) {
      // Everything was flushed, and with it the memory of what we read.
      this.watch.end();
      this.watch = new TrackingWatch();
      return;
    }
    for (const name of keys) {
      const key = this.setup.names.sessionUnder(name.toString());
      if (key === undefined) continue;
      if (this.state === 'arming') this.heard.push(key);
      else this.own.message(key);
    }
  }

  private beat(): void {
    if (this.silentBeats !== undefined) {
      // Counted, not timed: after the event loop was blocked the answer may be there, but has not been read yet.
      this.silentBeats++;
      if (this.silentBeats * this.setup.beatMs >= SILENT_MS) this.end(new Error(`no answer for ${SILENT_MS} ms`));
      return;
    }
    this.silentBeats = 0;
    this.ping().then(
      () => (this.silentBeats = undefined),
      (error: Error) => this.end(error),
    );
  }

  private async ping(): Promise<void> {
    const { watch } = this;
    const sentAt = performance.now();
    this.own.beatSent();
    await this.sink.ping();
    this.own.beatHeard();
    await this.data.sessionBeansBeat(this.beatKey);
    // Whoever waits for an answer that came before has it by then: it may be all that shows what another has changed.
    await endOfTurn();
    this.own.beatAnswered();
    watch.advance(sentAt);
  }
}
