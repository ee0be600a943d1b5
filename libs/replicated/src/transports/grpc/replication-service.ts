import type { ChannelOptions } from '@grpc/grpc-js';
import type { ResolvedWireOptions } from '../wire/wire.options.js';
import { ENVELOPE_BYTES, SILENCE_MS } from '../wire/wire-limits.js';

/**
 * The gRPC service between members: one stream per connection, in which each message is a call or the answer to one.
 *
 *     <number of the call: 4, big endian> <text>
 */
export const replicationService = {
  exchange: {
    path: '/nestjs.session.beans.Replication/Exchange',
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const;

function asIs(message: Buffer): Buffer {
  return message;
}

/** A message of the stream: the number of its call, and its text. */
export interface StreamMessage {
  readonly id: number;
  readonly text: string;
}

export function toMessage({ id, text }: StreamMessage): Buffer {
  const message = Buffer.allocUnsafe(4 + Buffer.byteLength(text));
  message.writeUInt32BE(id, 0);
  message.write(text, 4);
  return message;
}

/** @returns undefined when no member sends such a message */
export function fromMessage(message: Buffer): StreamMessage | undefined {
  return message.length < 4 ? undefined : { id: message.readUInt32BE(0), text: message.toString('utf8', 4) };
}

/** The options that both ends of a connection have in common. */
export function messageLimits({ maxMessageBytes }: ResolvedWireOptions): ChannelOptions {
  return {
    'grpc.max_receive_message_length': maxMessageBytes + ENVELOPE_BYTES,
    'grpc.max_send_message_length': maxMessageBytes + ENVELOPE_BYTES,
    'grpc.enable_channelz': 0,
  };
}

export function channelOptions(options: ResolvedWireOptions, member: string): ChannelOptions {
  return {
    ...messageLimits(options),
    'grpc.ssl_target_name_override': member,
    'grpc.default_authority': member,
    // A frozen member is noticed after one of each.
    'grpc.keepalive_time_ms': SILENCE_MS / 2,
    'grpc.keepalive_timeout_ms': SILENCE_MS / 2,
    // A connection of this transport is one connection of gRPC, and ends when that fails.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
  };
}
