import { describe, expect, it } from '@jest/globals';
import { PackedTexts } from './packed-texts.js';

function textsOf(bytes: Buffer, start = 0): { texts: string[]; isComplete: boolean } {
  const packed = new PackedTexts(bytes, start);
  const texts: string[] = [];
  while (packed.next()) texts.push(packed.text());
  return { texts, isComplete: packed.isComplete };
}

/** A text as MessagePack has it, with the shortest header that holds its length. */
function packedText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const { length } = bytes;
  if (length < 32) return Buffer.concat([Buffer.of(0xa0 | length), bytes]);
  if (length < 0x100) return Buffer.concat([Buffer.of(0xd9, length), bytes]);
  if (length < 0x10000) return Buffer.concat([Buffer.of(0xda, length >> 8, length & 255), bytes]);
  return Buffer.concat([
    Buffer.of(0xdb, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255),
    bytes,
  ]);
}

describe('an array of texts in MessagePack', () => {
  // The lengths before and after which MessagePack writes a text in another way.
  it.each([0, 1, 31, 32, 255, 256, 65_535, 65_536, 100_000])('gives a text of %i bytes back', (length) => {
    const text = 'x'.repeat(length);

    const bytes = Buffer.concat([Buffer.of(0x92), packedText(text), packedText('last')]);

    expect(textsOf(bytes)).toEqual({ texts: [text, 'last'], isComplete: true });
  });

  it.each([
    [0, Buffer.of(0x90)],
    [15, Buffer.of(0x9f)],
    [16, Buffer.of(0xdc, 0, 16)],
    [65_535, Buffer.of(0xdc, 255, 255)],
    [65_536, Buffer.of(0xdd, 0, 1, 0, 0)],
  ])('gives %i texts back', (count, header) => {
    const bytes = Buffer.concat([header, ...Array.from({ length: count }, (_, i) => packedText(`${i}`))]);

    const { texts, isComplete } = textsOf(bytes);

    expect([texts.length, texts.at(-1), isComplete]).toEqual([count, count === 0 ? undefined : `${count - 1}`, true]);
  });

  it('counts lengths in bytes, and may begin anywhere', () => {
    const bytes = Buffer.concat([Buffer.from('ab'), Buffer.of(0x92), packedText('Zażółć 🦔'), packedText('')]);

    expect(textsOf(bytes, 2)).toEqual({ texts: ['Zażółć 🦔', ''], isComplete: true });
  });

  it.each([
    ['nothing', Buffer.of()],
    ['no array', Buffer.from('text')],
    ['too few texts', Buffer.concat([Buffer.of(0x92), packedText('a')])],
    ['a text that is cut off', Buffer.concat([Buffer.of(0x91), packedText('abc').subarray(0, 3)])],
    ['a length that is cut off', Buffer.of(0x91, 0xda, 0)],
    ['a number of texts that is cut off', Buffer.of(0xdc, 0)],
    ['a number in place of a text', Buffer.of(0x91, 7)],
    ['bytes after the last text', Buffer.concat([Buffer.of(0x91), packedText('a'), Buffer.of(0)])],
  ])('is not complete with %s', (_title, bytes) => {
    expect(textsOf(bytes).isComplete).toBe(false);
  });
});
