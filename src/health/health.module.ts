import { type DynamicModule, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import type { SampleConfig } from '../sample.config.js';
import { DRAIN_MS } from './drain-ms.js';
import { HealthController } from './health.controller.js';
import { Shutdown } from './shutdown.js';

@Module({ controllers: [HealthController], providers: [Shutdown] })
export class HealthModule {
  static for({ drainMs }: SampleConfig): DynamicModule {
    return {
      module: HealthModule,
      // A server that stops says so to balancers, not to the log.
      imports: [TerminusModule.forRoot({ logger: false })],
      providers: [{ provide: DRAIN_MS, useValue: drainMs }],
    };
  }
}
