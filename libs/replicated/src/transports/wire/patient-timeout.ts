/** A timer this much later than it should be tells that this process stood still, in ms. */
const LATE_MS = 50;

/**
 * Calls back once after `ms`. When the timer fires late because this process was stopped or busy, what it waits for may have arrived long ago and
 * is only not read yet: then it waits once more for a moment.
 * @returns what cancels it
 */
export function patientTimeout(ms: number, callback: () => void): () => void {
  const due = performance.now() + ms;
  let timer = setTimeout(() => {
    if (performance.now() - due <= LATE_MS) callback();
    else timer = setTimeout(callback, LATE_MS);
  }, ms);
  return () => clearTimeout(timer);
}
