import type { SessionState } from './session-state.js';

/** [S5] The stamp that the save with this write id got, if it was one of the last. */
export function stampOfWrite({ stamp, earlierStamps }: SessionState, writeId: string): string | undefined {
  const isIts = (text: string): boolean => text.endsWith(writeId) && text.at(-writeId.length - 1) === '.';
  return isIts(stamp) ? stamp : earlierStamps?.find(isIts);
}
