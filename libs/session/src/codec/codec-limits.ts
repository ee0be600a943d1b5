/** What the codec refuses to write and to read. The size of the text is limited where sessions are saved, not here. */
export interface CodecLimits {
  /** How many objects, arrays, Maps and Sets may lie inside one another; the state itself is the first. */
  readonly maxDepth: number;
}
