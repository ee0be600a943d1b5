import { SessionScoped } from 'nestjs-session-beans';
import { Controller, Get } from '@nestjs/common';

/** The bean of tests for which it does not matter what a bean holds. */
@SessionScoped({ name: 'counter' })
export class Counter {
  value = 0;
}

/** Counts at `/`. */
@Controller()
export class CountController {
  constructor(private readonly counter: Counter) {}

  @Get()
  count(): number {
    return ++this.counter.value;
  }
}
