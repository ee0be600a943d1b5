import type { Device } from './device.js';
import type { RequestEvent, RequestOutcome, SeenState } from './history.js';

/** A request, and the session and server that it goes to. */
export interface RecordedRequest extends Pick<RequestEvent, 'session' | 'generation' | 'server' | 'kind'> {
  readonly method: 'GET' | 'POST';
  readonly url: string;

  /** How long, in ms, the client waits for the answer. */
  readonly patienceMs: number;
}

/** Sends a request of a client and records its outcome for the checker of histories. */
export async function recordRequest(
  device: Device,
  { method, url, patienceMs, ...what }: RecordedRequest,
): Promise<RequestEvent> {
  const request = { ...what, client: device.name, start: performance.now() };
  try {
    const { status, text } = await device.ask(method, url, patienceMs);
    const end = performance.now();
    const outcome = outcomeOf(status);
    const seen = outcome === 'ok' && text !== '' ? { seen: JSON.parse(text) as SeenState } : {};
    return { ...request, end, outcome, status: outcome === 'ok' ? status : `${status} ${text.slice(0, 100)}`, ...seen };
  } catch (error) {
    const status = error instanceof Error ? error.name : 'failed';
    return { ...request, end: performance.now(), outcome: 'unknown', status };
  }
}

function outcomeOf(status: number): RequestOutcome {
  if (status === 200 || status === 201) return 'ok';
  if (status === 401) return 'anonymous';
  return status === 409 ? 'refused' : 'unknown';
}
