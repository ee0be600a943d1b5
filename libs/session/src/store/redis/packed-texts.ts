/**
 * Reads an array of texts in MessagePack (https://msgpack.org), one after the other. Of all that MessagePack has, only
 * texts are read: Redis packs the fields and values of a hash, which are nothing else.
 *
 * @example
 * const texts = new PackedTexts(reply, 0);
 * while (texts.next()) use(texts.text());
 * if (!texts.isComplete) throw new Error('damaged');
 */
export class PackedTexts {
  /** Where the present text begins and ends in the buffer. */
  from: number;
  to: number;
  private left: number;

  constructor(
    private readonly buffer: Buffer,
    start: number,
  ) {
    const first = buffer[start] ?? NOTHING;
    this.from = this.to = start + 1;
    this.left = first >= 0x90 && first <= 0x9f ? first - 0x90 : this.number(first - 0xdc + 1);
  }

  /** Whether all texts were read, and nothing comes after them. */
  get isComplete(): boolean {
    return this.left === 0 && this.to === this.buffer.length;
  }

  /** Goes to the next text. False after the last one, and where something else than a text begins. */
  next(): boolean {
    if (this.left <= 0) return false;
    const first = this.buffer[this.to] ?? NOTHING;
    this.to++;
    const length = first >= 0xa0 && first <= 0xbf ? first - 0xa0 : this.number(first - 0xd9);
    if (length < 0 || this.to + length > this.buffer.length) return false;
    this.left--;
    this.from = this.to;
    this.to += length;
    return true;
  }

  text(): string {
    return this.buffer.toString('utf8', this.from, this.to);
  }

  /**
   * Reads the number that comes next.
   * @param size 0 for one byte, 1 for two, 2 for four
   * @returns -1 for any other size, and when the buffer ends before the number does
   */
  private number(size: number): number {
    const bytes = size >= 0 && size <= 2 ? 1 << size : 0;
    if (bytes === 0 || this.to + bytes > this.buffer.length) return -1;
    const value = this.buffer.readUIntBE(this.to, bytes);
    this.to += bytes;
    return value;
  }
}

/** A byte that begins no text and no array. */
const NOTHING = 0xc1;
