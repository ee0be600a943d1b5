/** A timer that is this much too late shows that this process stood still, in ms. */
const LATE_MS = 50;

/**
 * Calls back once after `ms`. When the timer is late because this process was stopped or busy, the awaited text may
 * have arrived long ago without being read: then it waits for a moment more.
 * @returns a function that cancels it
 */
export function patientTimeout(ms: number, callback: () => void): () => void {
  const due = performance.now() + ms;
  let timer = setTimeout(() => {
    if (performance.now() - due <= LATE_MS) callback();
    else timer = setTimeout(callback, LATE_MS);
  }, ms);
  return () => clearTimeout(timer);
}
