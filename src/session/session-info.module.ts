import { type DynamicModule, Module } from '@nestjs/common';
import type { SampleConfig } from '../sample.config.js';
import { NODE_NAME, SessionInfoController } from './session-info.controller.js';

@Module({ controllers: [SessionInfoController] })
export class SessionInfoModule {
  static for({ nodeName }: SampleConfig): DynamicModule {
    const node = { provide: NODE_NAME, useValue: nodeName ?? null };
    return { module: SessionInfoModule, providers: [node], exports: [NODE_NAME] };
  }
}
