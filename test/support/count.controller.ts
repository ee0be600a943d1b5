import { Controller, Get } from '@nestjs/common';
import { Counter } from './counter.bean.js';

/** Counts at `/`. */
@Controller()
export class CountController {
  constructor(private readonly counter: Counter) {}

  @Get()
  count(): number {
    return ++this.counter.value;
  }
}
