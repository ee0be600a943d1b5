import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { SessionWebSocketsModule } from 'nestjs-session-beans/websockets';
import { Counter } from '../count/counter.js';
import { ChatGateway } from './chat.gateway.js';

@Module({
  imports: [SessionModule.forFeature([Counter]), SessionWebSocketsModule],
  providers: [ChatGateway],
})
export class ChatModule {}
