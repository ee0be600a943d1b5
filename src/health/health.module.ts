import { type DynamicModule, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import type { SampleConfig } from '../sample.config.js';
import { HealthController } from './health.controller.js';
import { DRAIN_MS, Shutdown } from './shutdown.js';

@Module({ controllers: [HealthController], providers: [Shutdown] })
export class HealthModule {
  static for({ drainMs }: SampleConfig): DynamicModule {
    return {
      module: HealthModule,
      // Red health while the server drains is no error: it is not written to the log.
      imports: [TerminusModule.forRoot({ logger: false })],
      providers: [{ provide: DRAIN_MS, useValue: drainMs }],
    };
  }
}
