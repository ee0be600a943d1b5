import { SessionStateError } from '../errors/session-state.error.js';
import type { Payloads } from './payloads.js';

/**
 * Keeps a session within `maxSessionBytes` (UTF-8 bytes of all payloads). One that is too large already, because the limit
 * was lowered, may still change as long as it does not grow.
 * @throws SessionStateError naming the largest bean, the size and the limit
 */
export function refuseTooLarge(payloads: Payloads, before: Payloads, maxBytes: number): void {
  let bound = 0;
  // No character takes more than 3 bytes per UTF-16 unit: nearly always this is enough to know.
  for (const payload of payloads.values()) bound += payload.length * 3;
  if (bound <= maxBytes) return;
  const { bytes, largest, most } = sizes(payloads);
  if (bytes <= maxBytes || bytes <= sizes(before).bytes) return;
  throw new SessionStateError(
    largest,
    `is ${most} bytes large and the session would have ${bytes}; maxSessionBytes allows ${maxBytes}`,
  );
}

function sizes(payloads: Payloads): { readonly bytes: number; readonly largest: string; readonly most: number } {
  let bytes = 0;
  let largest = '';
  let most = -1;
  for (const [name, payload] of payloads) {
    const size = Buffer.byteLength(payload);
    bytes += size;
    if (size > most) [largest, most] = [name, size];
  }
  return { bytes, largest, most };
}
