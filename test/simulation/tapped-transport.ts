import { encodeMessage } from '../../libs/replicated/src/protocol/message-format.js';
import type {
  AnswerReplicationCall,
  ReplicationTransport,
} from '../../libs/replicated/src/transports/replication-transport.js';

/** A message or an answer of the replication protocol. */
export type Wire = Readonly<Record<string, unknown>> & { readonly type: string };

export interface TransportTaps {
  /** Answers a message of another member. `handle` gives the correct answer. */
  answer?(message: Wire, handle: (message: Wire) => Promise<Wire>): Promise<Wire>;

  /** Sends a message to another member. `send` sends it correctly. */
  call?(message: Wire, member: string, send: () => Promise<Wire>): Promise<Wire>;
}

/** Lets a planted bug change the messages between members. */
export function tappedTransport(inner: ReplicationTransport, taps: TransportTaps): ReplicationTransport {
  return {
    listen: (answer: AnswerReplicationCall) =>
      inner.listen(async (from, text) => {
        const handle = async (message: Wire): Promise<Wire> => parse(await answer(from, JSON.stringify(message)));
        return encodeMessage(await (taps.answer ? taps.answer(parse(text), handle) : handle(parse(text))));
      }),
    call: async (member, text, timeoutMs) => {
      const send = async (): Promise<Wire> => parse(await inner.call(member, text, timeoutMs));
      return encodeMessage(await (taps.call ? taps.call(parse(text), member.name, send) : send()));
    },
    close: () => inner.close(),
  };
}

function parse(text: string): Wire {
  return JSON.parse(text) as Wire;
}
