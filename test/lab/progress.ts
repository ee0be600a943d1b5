const WIDTH = 24;

/** Where it is told: a terminal, or anything else that takes lines. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Tells in the terminal what runs, how far it is and how long it will take; without a terminal, a line per step. */
export class Progress {
  private readonly began = performance.now();
  private done = 0;
  private doneSeconds = 0;
  private timer: NodeJS.Timeout | undefined;
  private current = '';

  /** @param total how many steps there are, and the seconds that they are expected to take */
  constructor(
    private readonly total: { readonly steps: number; readonly seconds: number },
    private readonly out: ProgressOutput = process.stderr,
  ) {}

  /** A step begins. */
  begin(what: string): void {
    this.current = what;
    if (!this.out.isTTY) return;
    this.draw();
    this.timer = setInterval(() => this.draw(), 500);
  }

  /** It has ended. @param seconds as it was expected to take */
  end(seconds: number, ms: number, error?: string): void {
    clearInterval(this.timer);
    this.done++;
    this.doneSeconds += seconds;
    const result = error === undefined ? 'ok' : `FAILED: ${error.split('\n', 1)[0]}`;
    const line = `[${this.done}/${this.total.steps}] ${this.current}: ${result} (${(ms / 1000).toFixed(1)} s)`;
    if (this.out.isTTY) this.out.write(`\r\u001b[K${line}\n`);
    else this.out.write(`${line}${this.left()}\n`);
  }

  private draw(): void {
    const full = Math.round((this.doneSeconds / this.total.seconds) * WIDTH);
    const bar = `${'█'.repeat(full)}${'░'.repeat(Math.max(0, WIDTH - full))}`;
    const elapsed = clock((performance.now() - this.began) / 1000);
    this.out.write(`\r\u001b[K${bar} ${this.done}/${this.total.steps} ${this.current} · ${elapsed}${this.left()}`);
  }

  /** By how long the steps so far took beside what was expected of them. */
  private left(): string {
    if (this.doneSeconds === 0) return '';
    const elapsed = (performance.now() - this.began) / 1000;
    return ` · ${clock((elapsed / this.doneSeconds) * (this.total.seconds - this.doneSeconds))} left`;
  }
}

function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
