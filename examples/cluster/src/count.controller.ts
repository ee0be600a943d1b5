import { Controller, Get, Post } from '@nestjs/common';
import { hostname } from 'node:os';
import { Counter } from './counter.js';

const NODE_NAME = process.env['NODE_NAME'] ?? hostname();

@Controller()
export class CountController {
  constructor(private readonly counter: Counter) {}

  @Post('count')
  count(): string {
    this.counter.value++;
    return `counter=${this.counter.value} at ${NODE_NAME}\n`;
  }
}

/** For the balancer. It uses no bean, so that it needs no session. */
@Controller()
export class HealthController {
  @Get('health')
  health(): string {
    return 'ok';
  }
}
