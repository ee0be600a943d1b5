/** A message of the stream: which call it belongs to, and its text. */
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

/** @returns undefined for what no member sends */
export function fromMessage(message: Buffer): StreamMessage | undefined {
  return message.length < 4 ? undefined : { id: message.readUInt32BE(0), text: message.toString('utf8', 4) };
}
