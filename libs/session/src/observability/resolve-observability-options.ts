import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import type { SessionObservabilityOptions } from './session-observability.options.js';

const KNOWN = [
  'node',
  'metrics',
  'durationByHandler',
  'tracing',
  'spanProcessor',
  'downstreamChannels',
  'serverTiming',
  'slowRequestMs',
] as const satisfies readonly (keyof SessionObservabilityOptions)[];

/** @throws SessionConfigurationError: one line naming option and what is allowed */
export function resolveObservabilityOptions(options: SessionObservabilityOptions): SessionObservabilityOptions {
  for (const name of Object.keys(options)) {
    if (!(KNOWN as readonly string[]).includes(name))
      throw refused(name, `no such option; there are ${KNOWN.join(', ')}`);
  }
  const { node, metrics, durationByHandler, tracing, slowRequestMs } = options;
  // It becomes part of a header.
  if (node !== undefined && !/^[A-Za-z0-9]{1,32}$/.test(node))
    throw refused('node', 'allowed are 1 to 32 letters and digits');
  if (metrics !== undefined && typeof (metrics as Partial<typeof metrics>).getMeter !== 'function')
    throw refused('metrics', 'allowed is a MeterProvider, e.g. metrics.getMeterProvider() of @opentelemetry/api');
  if (durationByHandler !== undefined && typeof durationByHandler !== 'boolean')
    throw refused('durationByHandler', 'allowed is true or false');
  if (tracing !== undefined && typeof (tracing as Partial<typeof tracing>).getTracer !== 'function')
    throw refused('tracing', 'allowed is a TracerProvider, e.g. trace.getTracerProvider() of @opentelemetry/api');
  if (slowRequestMs !== undefined && !(Number.isFinite(slowRequestMs) && slowRequestMs >= 0))
    throw refused('slowRequestMs', 'allowed is a number of milliseconds from 0');
  return Object.freeze({ ...options });
}

function refused(name: string, problem: string): SessionConfigurationError {
  return new SessionConfigurationError(`SessionObservabilityModule option ${name}: ${problem}`);
}
