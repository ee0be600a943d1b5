import type { Attributes, Histogram, MeterProvider } from '@opentelemetry/api';
import { createNoopMeter } from '@opentelemetry/api';

interface RecordedCall {
  readonly name: string;
  readonly value: number;
  readonly attributes: Attributes | undefined;
}

/**
 * A meter provider that records each call of an instrument during a request. Observable instruments are never
 * collected.
 */
export class RecordedCalls {
  private calls: RecordedCall[] = [];

  readonly provider: MeterProvider = {
    getMeter: () =>
      Object.assign(createNoopMeter(), {
        createHistogram: (name: string): Histogram => ({
          record: (value, attributes) => void this.calls.push({ name, value, attributes }),
        }),
        createCounter: refused,
        createUpDownCounter: refused,
        createGauge: refused,
      }),
  };

  of(name: string): readonly RecordedCall[] {
    return this.calls.filter((call) => call.name === name);
  }

  names(): string[] {
    return [...new Set(this.calls.map(({ name }) => name))];
  }

  clear(): void {
    this.calls = [];
  }
}

function refused(name: string): never {
  throw new Error(`${name} would be counted call by call`);
}
