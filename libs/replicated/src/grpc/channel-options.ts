import type { ChannelOptions } from '@grpc/grpc-js';
import type { ResolvedWireOptions } from '../wire/resolve-wire-options.js';
import { ENVELOPE_BYTES, SILENCE_MS } from '../wire/wire-limits.js';

/** What both ends of a connection have in common. */
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
    // A connection of this transport is one of gRPC, and its failure is its end.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
  };
}
