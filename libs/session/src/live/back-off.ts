const LONGEST_MS = 16;

/** Waits before the next attempt: longer with each and random, so that servers that collide once do not collide again. */
export function backOff(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(LONGEST_MS, attempt)));
}
