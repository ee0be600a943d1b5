/** A state on its way between members; times by the sender's clock. */
export type WireState =
  | {
      readonly s: string;
      readonly e?: readonly string[];
      /** Idle, absolute and unjoined timeout. */
      readonly l: readonly [number, number, number];
      /** Name, version, payload, name, ... */
      readonly p: readonly string[];
      readonly c: number;
      readonly a: number;
      readonly j: boolean;
      readonly k?: readonly [string, number];
    }
  /** A tombstone. */
  | { readonly x: number; readonly r: boolean; readonly i: string; readonly f: boolean };
