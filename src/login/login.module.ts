import { Module } from '@nestjs/common';
import { LoginController } from './login.controller.js';
import { MySessionsController } from './my-sessions.controller.js';

@Module({ controllers: [LoginController, MySessionsController] })
export class LoginModule {}
