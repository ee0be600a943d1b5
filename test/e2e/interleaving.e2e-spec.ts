import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param } from '@nestjs/common';
import { SessionScoped } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { platforms, startApplication } from '../support/platforms.js';

@SessionScoped()
class Diary {
  #reads = 0;
  owner = '';
  entries: string[] = [];

  get signed(): string {
    return `${this.owner} ${this.entries.length} ${++this.#reads > 0}`;
  }

  write(entry: string): this {
    this.entries.push(`${this.owner}:${entry}`);
    return this;
  }
}

/** Two requests take turns: each step waits until the other one has made the same step. */
class Turns {
  private waiting: (() => void) | undefined;

  next(): Promise<void> {
    const other = this.waiting;
    this.waiting = undefined;
    if (other) {
      other();
      return Promise.resolve();
    }
    return new Promise((resolve) => (this.waiting = resolve));
  }
}

const turns = new Turns();

@Injectable()
class DiaryService {
  constructor(private readonly diary: Diary) {}

  async write(entry: string): Promise<string> {
    await turns.next();
    const write = Reflect.get(this.diary, 'write');
    await turns.next();
    return Reflect.apply(write, this.diary, [entry]).signed;
  }
}

@Controller()
class DiaryController {
  constructor(
    private readonly diary: Diary,
    private readonly service: DiaryService,
  ) {}

  @Get('own/:name')
  own(@Param('name') name: string): string {
    this.diary.owner = name;
    return name;
  }

  @Get('write')
  async write(): Promise<string[]> {
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) {
      seen.push(this.diary.owner);
      await turns.next();
      seen.push(await this.service.write(`${i}`));
      await turns.next();
      seen.push(this.diary.signed);
    }
    return [...seen, ...this.diary.entries];
  }
}

describe.each(platforms)('J7 two users take turns at every await, $adapter, $mode', ({ adapter, scope }) => {
  it('and each sees only what is theirs', async () => {
    const server = await startApplication({
      adapter,
      scope,
      beans: [Diary],
      controllers: [DiaryController],
      providers: [DiaryService],
    });
    const users = ['ann', 'bob'].map((name) => ({ name, client: new Client(server.app) }));
    for (const { name, client } of users) await client.text(`/own/${name}`);
    const answers = await Promise.all(users.map(({ client }) => client.text('/write')));
    users.forEach(({ name }, i) => {
      const steps = [0, 1, 2, 3, 4].flatMap((n) => [name, `${name} ${n + 1} true`, `${name} ${n + 1} true`]);
      expect(JSON.parse(answers[i] ?? '')).toEqual([...steps, ...[0, 1, 2, 3, 4].map((n) => `${name}:${n}`)]);
    });
    await server.close();
  });
});
