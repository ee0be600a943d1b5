import { describe, expect, it } from '@jest/globals';
import { Controller, Get, type PipeTransform, Query } from '@nestjs/common';
import { SessionLock, SessionScoped } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'counter' })
class Counter {
  value = 0;
}

let piped = 0;
let running = 0;
let most = 0;
let pipe = new Latch();
let work = new Latch();

class WaitingPipe implements PipeTransform {
  async transform(value: string): Promise<string> {
    piped++;
    if (value === 'first') await pipe.opened;
    return value;
  }
}

@Controller()
class LockedController {
  constructor(private readonly counter: Counter) {}

  @Get('start') start(): number {
    return ++this.counter.value;
  }

  @Get('locked')
  @SessionLock({ waitMs: 30_000 })
  async locked(@Query('name', WaitingPipe) _name: string): Promise<number> {
    most = Math.max(most, ++running);
    await work.opened;
    running--;
    return ++this.counter.value;
  }
}

describe.each(adapters)('F31 a locked handler whose client leaves while its pipes run, $adapter', ({ adapter }) => {
  it('keeps the lock until it has ended', async () => {
    [piped, running, most, pipe, work] = [0, 0, 0, new Latch(), new Latch()];
    const application = await startApplication({ adapter, beans: [Counter], controllers: [LockedController] });
    const client = new Client(application.app);
    await client.text('/start');
    const leaving = client.agent.get('/locked?name=first');
    // Asking for the answer is what sends the request.
    const gone = leaving.catch((error: Error) => error.message);
    await eventually('the pipe of the first runs', () => piped === 1);
    leaving.abort();
    expect(await gone).toBe('Aborted');
    const second = client.text('/locked?name=second');
    // Its close event has been handled once another request is answered.
    await client.text('/start');
    pipe.open();
    await eventually('the first runs', () => running > 0);
    await client.text('/start');
    work.open();
    await second;
    await application.close();

    expect(most).toBe(1);
  });
});
