import { type DynamicModule, Module } from '@nestjs/common';
import { SessionObservabilityModule } from 'nestjs-session-beans/observability';
import type { SampleConfig } from '../sample.config.js';
import { MetricsController } from './metrics.controller.js';
import { Prometheus } from './prometheus.js';

@Module({})
export class MetricsModule {
  static for({ nodeName, serverTiming, slowRequestMs }: SampleConfig): DynamicModule {
    const prometheus = new Prometheus();
    return {
      module: MetricsModule,
      imports: [
        SessionObservabilityModule.forRoot({
          nodeName,
          meterProvider: prometheus.meterProvider,
          serverTiming,
          slowRequestMs,
        }),
      ],
      controllers: [MetricsController],
      providers: [{ provide: Prometheus, useValue: prometheus }],
    };
  }
}
