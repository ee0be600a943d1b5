import { describe, expect, it } from '@jest/globals';
import { resolveObservabilityOptions } from './session-observability.options.js';

describe('the options of SessionObservabilityModule', () => {
  it('have defaults that measure nothing', () => {
    expect(resolveObservabilityOptions({})).toEqual({
      durationByHandler: false,
      serverTiming: false,
      downstreamChannels: ['ioredis:command', 'node-redis:command'],
    });
  });

  it.each([
    [{ nodeName: 'server one' }, 'option nodeName = "server one": allowed is 1 to 32 letters and digits'],
    [{ meterProvider: {} }, 'option meterProvider = Object: allowed is a MeterProvider'],
    [{ durationByHandler: 'yes' }, 'option durationByHandler = "yes": allowed is true, false'],
    [{ tracerProvider: {} }, 'option tracerProvider = Object: allowed is a TracerProvider'],
    [{ serverTiming: 'on' }, 'option serverTiming = "on": allowed is true, false'],
    [{ slowRequestMs: -1 }, 'option slowRequestMs = -1: allowed is a number of milliseconds from 0'],
    [{ slowRequestMs: NaN }, 'option slowRequestMs = NaN: allowed is a number of milliseconds from 0'],
    [{ slowRequest: 1 }, 'option "slowRequest": no such option; there are nodeName, meterProvider'],
  ])('refuse %j', (options, message) => {
    expect(() => resolveObservabilityOptions(options as object)).toThrow(`SessionObservabilityModule ${message}`);
  });
});
