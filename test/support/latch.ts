/** A point that one side waits at until the other opens it. */
export class Latch {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}
