import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { CartController } from './cart.controller.js';
import { Cart } from './cart.js';

@Module({ imports: [SessionModule.forFeature([Cart])], controllers: [CartController] })
export class CartModule {}
