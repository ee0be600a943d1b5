import { type DynamicModule, Module } from '@nestjs/common';
import type { SampleConfig } from '../sample.config.js';
import { NODE_NAME } from '../session/session-info.controller.js';
import { PagesController } from './pages.controller.js';

@Module({ controllers: [PagesController] })
export class PagesModule {
  static for({ nodeName }: SampleConfig): DynamicModule {
    return { module: PagesModule, providers: [{ provide: NODE_NAME, useValue: nodeName ?? null }] };
  }
}
