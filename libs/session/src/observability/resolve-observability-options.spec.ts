import { describe, expect, it } from '@jest/globals';
import { resolveObservabilityOptions } from './resolve-observability-options.js';

describe('the options of SessionObservabilityModule', () => {
  it('need nothing', () => {
    expect(resolveObservabilityOptions({})).toEqual({});
  });

  it.each([
    [{ node: 'server one' }, 'option node: allowed are 1 to 32 letters and digits'],
    [{ metrics: {} }, 'option metrics: allowed is a MeterProvider'],
    [{ durationByHandler: 'yes' }, 'option durationByHandler: allowed is true or false'],
    [{ tracing: {} }, 'option tracing: allowed is a TracerProvider'],
    [{ slowRequestMs: -1 }, 'option slowRequestMs: allowed is a number of milliseconds from 0'],
    [{ slowRequestMs: NaN }, 'option slowRequestMs: allowed is a number of milliseconds from 0'],
    [{ slowRequest: 1 }, 'option slowRequest: no such option; there are node, metrics'],
  ])('refuse %j', (options, message) => {
    expect(() => resolveObservabilityOptions(options as object)).toThrow(message);
  });
});
