import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { CountController, HealthController } from './count.controller.js';
import { Counter } from './counter.js';

@Module({
  imports: [
    SessionModule.forRootAsync({
      useFactory: () => ({
        store: new RedisSessionStore({ url: process.env['REDIS_URL'] ?? 'redis://localhost:6379' }),
      }),
    }),
    SessionModule.forFeature([Counter]),
  ],
  controllers: [CountController, HealthController],
})
export class AppModule {}
