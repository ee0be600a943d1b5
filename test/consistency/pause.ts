/** Lets other requests run: what a handler waits for. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
