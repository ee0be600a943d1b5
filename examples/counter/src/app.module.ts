import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { CountController } from './count.controller.js';
import { Counter } from './counter.js';

@Module({
  imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter])],
  controllers: [CountController],
})
export class AppModule {}
