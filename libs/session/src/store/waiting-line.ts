interface Waiter {
  readonly begin: () => void;
}

/** Whoever enters waits for those before it, in order of arrival, or leaves. */
export class WaitingLine {
  private readonly waiters: Waiter[] = [];
  private isTaken = false;

  get isEmpty(): boolean {
    return !this.isTaken;
  }

  /** @returns false when its turn has not come within `waitMs` */
  enter(waitMs: number): Promise<boolean> {
    if (!this.isTaken) {
      this.isTaken = true;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const waiter: Waiter = {
        begin() {
          clearTimeout(timer);
          resolve(true);
        },
      };
      const timer = setTimeout(() => {
        this.waiters.splice(this.waiters.indexOf(waiter), 1);
        resolve(false);
      }, waitMs);
      this.waiters.push(waiter);
    });
  }

  /** Whoever has the turn gives it to the next. */
  leave(): void {
    const next = this.waiters.shift();
    if (next) next.begin();
    else this.isTaken = false;
  }
}
