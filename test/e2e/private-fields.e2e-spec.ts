import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Logger, type Type } from '@nestjs/common';
import { type BeforeBeanSaved, type OnBeanRestored, Restore, SessionScoped } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { platforms, startApplication } from '../support/platforms.js';
import { reportedRisks } from '../support/reported-risks.js';

@SessionScoped()
class Forgetful {
  #value = 0;
  readonly calls = 0;

  countUp(): number {
    return ++this.#value;
  }
}

@SessionScoped()
class Holder {
  @Restore(() => Forgetful) inside: Forgetful[] = [];
}

/** A bean as the warning advises to write it. */
@SessionScoped()
class Careful implements BeforeBeanSaved, OnBeanRestored {
  #value = 0;
  stored = 0;

  countUp(): number {
    return this.#add(1);
  }

  onBeanRestored(): void {
    this.#value = this.stored;
  }

  beforeBeanSaved(): void {
    this.stored = this.#value;
  }

  #add(amount: number): number {
    return (this.#value += amount);
  }
}

@SessionScoped()
class WithPrivateMethods {
  // #comment = 1;
  text = '; #text = 1;';

  get doubled(): number {
    return this.#double(2);
  }

  #double(value: number): number {
    return value * 2;
  }
}

@Controller()
class CountController {
  constructor(private readonly careful: Careful) {}

  @Get()
  count(): number {
    return this.careful.countUp();
  }
}

const warnings = async (bean: Type<object>): Promise<unknown[]> => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  await (await startApplication({ adapter: 'express', beans: [bean] })).close();
  return reportedRisks(warn);
};

describe('B59 a bean with #private fields, which nobody can store,', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('is warned of at boot, with the way out', async () => {
    expect(await warnings(Forgetful)).toEqual([
      'private-fields (high): Forgetful has #value: nobody can read such fields from outside, so they are not ' +
        'stored. Declare state as `private` properties, or implement both beforeBeanSaved() and onBeanRestored() ' +
        'of Forgetful to move it to and from one.',
    ]);
  });

  it('is warned of as well when a class inside it has them', async () => {
    expect(await warnings(Holder)).toEqual([
      expect.stringMatching(
        /^private-fields \(high\): Forgetful, which Holder holds, has #value: .*onBeanRestored\(\) of Holder/,
      ),
    ]);
  });

  it.each([Careful, WithPrivateMethods])('is not warned of when it is %p', async (bean) => {
    expect(await warnings(bean)).toEqual([]);
  });
});

describe.each(platforms)('B59 #private fields, $adapter, $mode,', ({ adapter, scope }) => {
  it('are state if both hooks move them to and from a property', async () => {
    const server = await startApplication({ adapter, scope, beans: [Careful], controllers: [CountController] });
    const client = new Client(server.app);
    for (let i = 1; i <= 5; i++) expect(await client.text('/')).toBe(`${i}`);
    await server.close();
  });
});
