import { setTimeout as pause } from 'node:timers/promises';
/**
 * Resolves with the first result of `probe` that is neither undefined nor false; a probe that throws is asked again.
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = 60_000,
): Promise<T> {
  const end = performance.now() + withinMs;
  let problem: unknown;
  while (performance.now() < end) {
    try {
      const result = await probe();
      if (result !== undefined && result !== false) return result;
    } catch (error) {
      problem = error;
    }
    await pause(20);
  }
  throw new Error(`not within ${withinMs} ms: ${what}`, { cause: problem });
}
