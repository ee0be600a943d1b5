import { type DynamicModule, Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { CartModule } from './cart/cart.module.js';
import { ChatModule } from './chat/chat.module.js';
import { CountModule } from './count/count.module.js';
import { DoctorModule } from './doctor/doctor.module.js';
import { HealthModule } from './health/health.module.js';
import { LoginModule } from './login/login.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { PagesController } from './pages/pages.controller.js';
import type { SampleConfig } from './sample.config.js';
import { sessionOptions } from './session-options.js';
import { SessionInfoModule } from './session/session-info.module.js';

@Module({})
export class AppModule {
  static for(config: SampleConfig): DynamicModule {
    return {
      module: AppModule,
      controllers: [PagesController],
      imports: [
        SessionModule.forRootAsync({ useFactory: () => sessionOptions(config) }),
        CountModule,
        CartModule,
        LoginModule,
        ChatModule,
        SessionInfoModule.for(config),
        MetricsModule.for(config),
        DoctorModule,
        HealthModule.for(config),
      ],
    };
  }
}
