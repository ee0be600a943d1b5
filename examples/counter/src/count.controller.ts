import { Controller, Get, Post } from '@nestjs/common';
import { Counter } from './counter.js';

@Controller('count')
export class CountController {
  constructor(private readonly counter: Counter) {}

  @Post()
  count(): string {
    this.counter.value++;
    return this.show();
  }

  @Get()
  show(): string {
    return `counter=${this.counter.value}\n`;
  }
}
