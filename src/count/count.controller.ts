import { Controller, Get } from '@nestjs/common';
import { Counter } from './counter.js';

@Controller('count')
export class CountController {
  constructor(private readonly counter: Counter) {}

  @Get(['', 'count'])
  count(): string {
    this.counter.countUp();
    return this.peek();
  }

  @Get('peek')
  peek(): string {
    return `counter=${this.counter.getValue()}`;
  }
}
