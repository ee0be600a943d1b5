/** Longer ids than this are kept, but share no more than so many characters with their neighbours. */
const MOST_SHARED = 90;

/** Code of "no character", so that the codes of lengths are characters that can be read. */
const ZERO = 32;

/**
 * The write ids of the saves before the last one, newest first, as one text: `earlierWrites`. Ids of one server differ
 * in their last characters only, so each is kept as its difference to the next newer one: a character that says how
 * many characters both begin with, one for the length of the rest, and the rest. That is 4 bytes for most, where a text
 * of its own takes 50.
 *
 * The newest is the difference to the id of the last save. So to remember one more is to put it in front.
 */
export type EarlierWrites = string;

/**
 * Remembers one more.
 *
 * @param writeId of the save that was the last one
 * @param next write id of the one that is the last one now
 * @param most how many are remembered at most
 */
export function rememberWrite(earlier: EarlierWrites, writeId: string, next: string, most: number): EarlierWrites {
  const shared = charactersAlike(next, 0, Math.min(next.length, MOST_SHARED), writeId, 0);
  const rest = writeId.slice(shared);
  const all = String.fromCharCode(ZERO + shared, ZERO + rest.length) + rest + earlier;
  // A copy: a text that is put together of others keeps them, and one that is cut out keeps the whole.
  return Buffer.from(all.slice(0, endOf(all, most))).toString();
}

/** Which of the saves before the last one had this id, 0 for the newest; -1 if none of them is known to. */
export function indexOfWrite(earlier: EarlierWrites, last: string, writeId: string): number {
  // How many characters the id begins with that are also the first ones of the save that was looked at last.
  let alike = charactersAlike(last, 0, last.length, writeId, 0);
  for (let at = 0, index = 0; at < earlier.length; index++) {
    const shared = earlier.charCodeAt(at) - ZERO;
    const length = earlier.charCodeAt(at + 1) - ZERO;
    at += 2;
    // With more it differs where the last one did.
    if (shared <= alike) alike = shared + charactersAlike(earlier, at, at + length, writeId, shared);
    if (alike === writeId.length && shared + length === alike) return index;
    at += length;
  }
  return -1;
}

/** How many are remembered. */
export function countWrites(earlier: EarlierWrites): number {
  let count = 0;
  for (let at = 0; at < earlier.length; count++) at = afterWrite(earlier, at);
  return count;
}

/** Whether a text that came from elsewhere is one of these. */
export function isEarlierWrites(value: unknown): value is EarlierWrites {
  if (typeof value !== 'string') return false;
  let at = 0;
  for (let next = 0; at < value.length; at = next) {
    next = afterWrite(value, at);
    if (!(next > at)) return false;
  }
  return at === value.length;
}

function endOf(earlier: EarlierWrites, most: number): number {
  let at = 0;
  for (let count = 0; at < earlier.length && count < most; count++) at = afterWrite(earlier, at);
  return at;
}

function afterWrite(earlier: EarlierWrites, at: number): number {
  return at + 2 + earlier.charCodeAt(at + 1) - ZERO;
}

/** How many characters of `text` from `at` to `end` are those of `other` from `otherAt`. */
function charactersAlike(text: string, at: number, end: number, other: string, otherAt: number): number {
  let alike = 0;
  while (at + alike < end && text.charCodeAt(at + alike) === other.charCodeAt(otherAt + alike)) alike++;
  return alike;
}
