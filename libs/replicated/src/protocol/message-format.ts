/**
 * The format of the messages between members, which each of them carries as `v`. It grows when a release changes a
 * message so that the releases before cannot read it.
 */
export const MESSAGE_FORMAT = 1;

/** The answer to a message of a newer format: "written by a newer release" rather than "not a message". */
export interface NewerFormatAnswer {
  readonly type: 'newer';

  /** The newest format that the member understands. */
  readonly format: number;
}

/** Adds the format to a message or an answer. */
export function encodeMessage(message: object): string {
  return JSON.stringify({ v: MESSAGE_FORMAT, ...message });
}

/** The format of a text that was parsed; undefined when it is no message of any release. */
export function formatOf(parsed: unknown): number | undefined {
  const { v } = (parsed ?? {}) as { readonly v?: unknown };
  return Number.isSafeInteger(v) ? (v as number) : undefined;
}
