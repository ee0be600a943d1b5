import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { SessionModule } from 'nestjs-session-beans';
import { Cart } from '../../../src/cart/cart.js';
import { Counter } from '../../../src/count/counter.js';
import { Journal, Ledger, Profile } from '../../near-cache/fixture/beans.js';
import { LedgerController } from '../../near-cache/fixture/ledger.controller.js';
import { CartFillController, PagesController } from './pages.controller.js';
import { ProcessController } from './process.controller.js';
import { SlowHook, TroublesController } from './troubles.controller.js';

/** Pages whose histories are checked. They have a folder of their own: the sample has a page `logout` as well. */
@Module({ imports: [SessionModule.forFeature([Ledger, Journal, Profile])], controllers: [LedgerController] })
class HistoryModule {}

/** What the lab adds to the sample: pages of a given size, figures of the process, histories to check, and troubles. */
@Module({
  imports: [
    SessionModule.forFeature([Cart, Counter]),
    HistoryModule,
    RouterModule.register([{ path: 'history', module: HistoryModule }]),
  ],
  controllers: [PagesController, CartFillController, ProcessController, TroublesController],
})
export class LabModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(SlowHook).forRoutes('lab/hook');
  }
}
