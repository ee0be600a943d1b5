import { type DynamicModule, Module } from '@nestjs/common';
import type { SampleConfig } from '../sample.config.js';
import { NODE_NAME, SessionInfoController } from './session-info.controller.js';

@Module({ controllers: [SessionInfoController] })
export class SessionInfoModule {
  static for({ nodeName }: SampleConfig): DynamicModule {
    return { module: SessionInfoModule, providers: [{ provide: NODE_NAME, useValue: nodeName ?? null }] };
  }
}
