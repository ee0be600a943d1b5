import { Module } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import { SessionModule } from 'nestjs-session-beans';
import { AccountController } from './account.controller.js';
import { PasswordStrategy } from './password.strategy.js';
import { Profile } from './profile.js';

@Module({
  imports: [PassportModule, SessionModule.forRoot(), SessionModule.forFeature([Profile])],
  controllers: [AccountController],
  providers: [PasswordStrategy],
})
export class AppModule {}
