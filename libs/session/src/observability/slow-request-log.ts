import type { LoggerService } from '@nestjs/common';
import type { FinishedRequest } from '../timing/finished-request.js';

/** Writes requests that took at least `slowRequestMs` to the log: one line of JSON with everything that the record says. */
export function slowRequestLog(
  slowRequestMs: number,
  logger: Pick<LoggerService, 'warn'>,
): (request: FinishedRequest) => void {
  return (request) => {
    if (request.timing.totalMs >= slowRequestMs)
      logger.warn(JSON.stringify({ event: 'session.request', ...request.record }, rounded));
  };
}

/** Seconds to the microsecond. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Math.round(value * 1e6) / 1e6 : value;
}
