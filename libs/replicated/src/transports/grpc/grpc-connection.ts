import { connect as connectTls, createSecureContext } from 'node:tls';
import { ChannelCredentials, Client, type ClientDuplexStream, connectivityState, Metadata } from '@grpc/grpc-js';
import { connect } from 'node:net';
import { callingTls, secureContextOf, wrongCertificate } from '../wire/mutual-tls.js';
import type { ReplicationWireOptions, ResolvedWireOptions } from '../wire/wire.options.js';
import type { ReplicationMember } from '../../members/replication-member.js';
import { socketReady } from '../wire/socket-ready.js';
import { ConnectionEndedError } from '../wire/wire-connection.js';
import { type Exchange, Silence, type WireConnection } from '../wire/wire-connection.js';
import { MAX_UNREAD_MESSAGES } from '../wire/wire-limits.js';
import { channelOptions, fromMessage, replicationService, toMessage } from './replication-service.js';

/** @param member name of the called member, which its certificate must have */
export function callingCredentials(tls: ReplicationWireOptions['tls'], member: string): ChannelCredentials {
  if (!tls) return ChannelCredentials.createInsecure();
  return ChannelCredentials.createFromSecureContext(createSecureContext(secureContextOf(tls)), {
    checkServerIdentity: (_host, certificate) => wrongCertificate(certificate, member),
    rejectUnauthorized: true,
  });
}

/** Connects and hangs up, because `socketReady` tells why there is no connection. @throws what `socketReady` throws */
export async function probe(
  tls: ReplicationWireOptions['tls'],
  { name, host, port }: ReplicationMember,
  signal: AbortSignal,
): Promise<void> {
  const socket = tls
    ? connectTls({ ...callingTls(tls, name), host, port, ALPNProtocols: ['h2'] })
    : connect({ host, port });
  await socketReady(socket, signal);
  socket.destroy();
}

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

/** A connection of gRPC with one stream on it. It is never made anew: `MemberLine` makes the next one. */
export class GrpcConnection implements WireConnection {
  private readonly waiting = new Map<number, Waiting>();
  private readonly silence = new Silence();
  private nextId = 0;
  isEnded = false;

  private constructor(
    private readonly client: Client,
    private readonly stream: ClientDuplexStream<Buffer, Buffer>,
    private readonly maxMessageBytes: number,
  ) {
    stream.on('data', (message: Buffer) => this.answered(message));
    stream.on('error', (error) => this.end(error.message));
    stream.on('end', () => this.end('the member ended the stream'));
  }

  /** See `Dial`. */
  static async dial(
    options: ResolvedWireOptions,
    member: ReplicationMember,
    signal: AbortSignal,
  ): Promise<GrpcConnection> {
    const host = member.host.includes(':') ? `[${member.host}]` : member.host;
    const credentials = callingCredentials(options.tls, member.name);
    const client = new Client(`${host}:${member.port}`, credentials, channelOptions(options, member.name));
    const giveUp = (): void => client.close();
    signal.addEventListener('abort', giveUp);
    try {
      const isReady = !signal.aborted && (await becomesReady(client.getChannel()));
      signal.throwIfAborted();
      // gRPC says only in words why it has no connection.
      if (!isReady) {
        await probe(options.tls, member, signal);
        throw new ConnectionEndedError('gRPC could not make a connection');
      }
    } catch (error) {
      client.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
    const { path, requestSerialize, responseDeserialize } = replicationService.exchange;
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), {});
    return new GrpcConnection(client, stream, options.maxMessageBytes);
  }

  exchange(text: string): Exchange {
    const id = this.nextId;
    this.nextId = (id + 1) % 2 ** 32;
    const answer = new Promise<string>((resolve, reject) => {
      if (this.isEnded) return reject(new ConnectionEndedError('the connection has ended'));
      this.silence.sent();
      this.waiting.set(id, { resolve, reject });
      this.stream.write(toMessage({ id, text }));
      if (this.stream.writableLength > MAX_UNREAD_MESSAGES * this.maxMessageBytes) this.end('the member does not read');
    });
    const abandon = (): void => {
      this.waiting.delete(id);
      if (this.silence.isTooLong) this.destroy();
    };
    return { answer, abandon };
  }

  destroy(): void {
    this.end('it was closed here');
  }

  private answered(message: Buffer): void {
    this.silence.heard();
    const answer = fromMessage(message);
    if (!answer) return this.end('the member sent what no member sends');
    this.waiting.get(answer.id)?.resolve(answer.text);
    this.waiting.delete(answer.id);
  }

  private end(reason: string): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.stream.cancel();
    this.client.close();
    for (const { reject } of this.waiting.values()) reject(new ConnectionEndedError(reason));
    this.waiting.clear();
  }
}

/** @returns false when the first attempt to connect has failed, or the channel was closed */
async function becomesReady(channel: ReturnType<Client['getChannel']>): Promise<boolean> {
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) return true;
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return false;
    const isOver = await new Promise<boolean>((resolve) =>
      channel.watchConnectivityState(state, Infinity, (error) => resolve(error !== undefined)),
    );
    if (isOver) return false;
  }
}
