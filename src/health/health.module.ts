import { type DynamicModule, Module } from '@nestjs/common';
import type { SampleConfig } from '../sample.config.js';
import { DRAIN_MS } from './drain-ms.js';
import { HealthController } from './health.controller.js';
import { Shutdown } from './shutdown.js';

@Module({ controllers: [HealthController], providers: [Shutdown] })
export class HealthModule {
  static for({ drainMs }: SampleConfig): DynamicModule {
    return { module: HealthModule, providers: [{ provide: DRAIN_MS, useValue: drainMs }] };
  }
}
