import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { SessionWebSocketsModule } from 'nestjs-session-beans/websockets';
import { ChatGateway } from './chat.gateway.js';
import { LoginController } from './login.controller.js';
import { Tally } from './tally.js';

@Module({
  imports: [SessionModule.forRoot(), SessionModule.forFeature([Tally]), SessionWebSocketsModule],
  controllers: [LoginController],
  providers: [ChatGateway],
})
export class AppModule {}
