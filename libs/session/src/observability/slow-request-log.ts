import type { LoggerService } from '@nestjs/common';
import type { FinishedRequest } from '../timing/session-request-record.js';

/**
 * A listener that writes requests to the log, each as one line of JSON with all of its record.
 *
 * @param slowRequestMs shorter requests are not written
 */
export function slowRequestLog(
  slowRequestMs: number,
  logger: Pick<LoggerService, 'warn'>,
): (request: FinishedRequest) => void {
  return (request) => {
    if (request.timing.totalMs >= slowRequestMs)
      logger.warn(JSON.stringify({ event: 'session.request', ...request.record }, rounded));
  };
}

/** Cuts seconds to the microsecond. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Math.round(value * 1e6) / 1e6 : value;
}
