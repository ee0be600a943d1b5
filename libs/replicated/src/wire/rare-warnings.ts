const EVERY_MS = 60_000;
const REMEMBERED = 100;

/** Passes a warning on, the same at most once a minute: whoever knocks at the port could fill the log otherwise. */
export class RareWarnings {
  private readonly last = new Map<string, number>();

  constructor(private readonly tell: (warning: string) => void) {}

  warn(warning: string): void {
    const now = performance.now();
    const last = this.last.get(warning);
    if (last !== undefined && now - last < EVERY_MS) return;
    if (this.last.size >= REMEMBERED) this.last.clear();
    this.last.set(warning, now);
    this.tell(warning);
  }
}
