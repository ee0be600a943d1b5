import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { Cart } from './cart.js';
import { LoginController } from './login.controller.js';
import { Orders } from './orders.js';
import { ShopController } from './shop.controller.js';

@Module({
  imports: [SessionModule.forRoot(), SessionModule.forFeature([Cart])],
  controllers: [ShopController, LoginController],
  providers: [Orders],
})
export class AppModule {}
