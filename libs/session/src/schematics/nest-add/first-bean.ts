import type { ModuleImport } from './module-imports.js';

/** The files of a first bean, by their paths below the folder of the root module. */
export function firstBean(extension: '' | '.js'): Readonly<Record<string, string>> {
  return {
    'counter/counter.ts': `import { Merge, SessionScoped } from 'nestjs-session-beans';

/** One instance per session. Its fields are the state, which outlives the request. */
@SessionScoped({ name: 'counter', version: 1 })
export class Counter {
  // Of two requests at a time, both count.
  @Merge('sum') private value = 0;

  countUp(): number {
    this.value++;
    return this.value;
  }
}
`,
    'counter/counter.controller.ts': `import { Controller, Get } from '@nestjs/common';
import { Counter } from './counter${extension}';

@Controller('counter')
export class CounterController {
  constructor(private readonly counter: Counter) {}

  @Get()
  count() {
    return \`counter=\${this.counter.countUp()}\`;
  }
}
`,
    'counter/counter.module.ts': `import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { Counter } from './counter${extension}';
import { CounterController } from './counter.controller${extension}';

@Module({
  imports: [SessionModule.forFeature([Counter])],
  controllers: [CounterController],
})
export class CounterModule {}
`,
  };
}

export function counterModule(extension: '' | '.js'): ModuleImport {
  return { expression: 'CounterModule', names: { CounterModule: `./counter/counter.module${extension}` } };
}
