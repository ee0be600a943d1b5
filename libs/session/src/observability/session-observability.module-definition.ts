import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SessionObservabilityOptions } from './session-observability.options.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SessionObservabilityOptions>({ moduleName: 'SessionObservability' })
    .setClassMethodName('forRoot')
    .build();
