/**
 * Where the time of requests goes: records, metrics, spans, `Server-Timing`, a log of slow requests, a health
 * indicator.
 *
 * @module nestjs-session-beans/observability
 * @see docs/observability.md
 */

// module
export { SessionObservabilityModule } from './session-observability.module.js';
export type { SessionObservabilityOptions } from './session-observability.options.js';

// records
export { REQUEST_CHANNEL } from '../timing/request-timings.js';
export type { SessionRequestRecord } from '../timing/session-request-record.js';
export { TIMING_PHASES, type TimingPhase } from '../timing/timing-phase.js';

// told by the application
export { SessionTiming } from './session-timing.js';
export { SessionSpanProcessor } from './session-span-processor.js';

// health
export { SessionHealthIndicator, type SessionHealth, type SessionHealthOptions } from './session-health-indicator.js';
