import { describe, expect, it } from '@jest/globals';
import { OptionChecks } from './option-checks.js';
import { SessionBeanError } from './session-bean.error.js';
import { SessionConfigurationError } from './session-configuration.error.js';

class Options {
  readonly size?: number = 5;
  readonly name?: string = undefined;
}

const checks = new OptionChecks('Store');

describe('a check of options', () => {
  it.each<[string, () => unknown, string]>([
    [
      'a whole number',
      () => checks.wholeNumber('size', '5', { least: 1 }),
      'size = "5": allowed is a whole number from 1',
    ],
    [
      'the bounds of a whole number, its unit and a remark',
      () => checks.wholeNumber('ms', 11, { least: 1, most: 10, unit: 'milliseconds', remark: ' (half of idle)' }),
      'ms = 11: allowed is a whole number of milliseconds from 1 to 10 (half of idle)',
    ],
    ['a fraction', () => checks.wholeNumber('size', 0.5, { least: 0 }), 'size = 0.5: allowed is a whole number from 0'],
    ['infinity', () => checks.wholeNumber('size', Infinity, { least: 0 }), 'size = Infinity: allowed is'],
    ['a choice', () => checks.oneOf('mode', 'c', ['a', 'b']), `mode = "c": allowed is 'a', 'b'`],
    ['a flag', () => checks.flag('quorum', 1), 'quorum = 1: allowed is true, false'],
    ['a text', () => checks.text('name', 'a b', /^\w+$/, 'one word'), 'name = "a b": allowed is one word'],
    ['a function', () => checks.callback('onEvent', 'log'), 'onEvent = a string: allowed is a function'],
    [
      'an object with a method',
      () => checks.methods('clock', { time: 5 }, ['now'], 'an object with a method now()'),
      'clock = Object: allowed is an object with a method now()',
    ],
    [
      'null in place of one',
      () => checks.methods('clock', null, ['now'], 'a clock'),
      'clock = null: allowed is a clock',
    ],
    ['options that are no object', () => checks.names(5, ['size']), 'options = 5: allowed is an object'],
    ['a list of options', () => checks.names([], ['size']), 'options = Array: allowed is an object'],
    ['a name', () => checks.names({ siez: 5 }, ['size', 'name']), '"siez": no such option; there are size, name'],
    ['a field of an option', () => checks.within('near').flag('on', 1), 'near.on = 1: allowed is true, false'],
    [
      'a name in an option',
      () => checks.within('near').names({ of: 1 }, ['on']),
      '"near.of": no such option; there are on',
    ],
    ['an option that is no object', () => checks.within('near').names(true, []), 'near = true: allowed is an object'],
  ])('names the owner, the option, the value and what is allowed: %s', (_what, check, text) => {
    expect(check).toThrow(SessionConfigurationError);
    expect(check).toThrow(`Store option ${text}`);
  });

  it('gives the value back that it allows', () => {
    const clock = { now: () => 0 };

    expect(checks.wholeNumber('size', 5, { least: 5, most: 5 })).toBe(5);
    expect(checks.oneOf('mode', 'b', ['a', 'b'])).toBe('b');
    expect(checks.flag('quorum', false)).toBe(false);
    expect(checks.text('name', 'word', /^\w+$/, 'one word')).toBe('word');
    expect(checks.callback('now', clock.now)).toBe(clock.now);
    expect(checks.methods('clock', clock, ['now'], 'a clock')).toBe(clock);
    expect(checks.methods('clock', Date, ['now'], 'a clock')).toBe(Date);
  });

  it.each([
    [{ password: 'secret' }, 'Object'],
    [Object.create(null), 'an object'],
    [() => 'secret', 'a function'],
    [Symbol('s'), 'Symbol(s)'],
    ['x'.repeat(101), `"${'x'.repeat(100)}..."`],
  ])('shows the type of what holds more than a value, and cuts long texts: %p', (value, text) => {
    expect(checks.refusal('option', value, 'none').message).toBe(`Store option option = ${text}: allowed is none`);
  });

  it.each([
    ['hunter2', 'a string'],
    [5, 'a number'],
    [Buffer.from('hunter2'), 'Buffer'],
    [undefined, 'undefined'],
  ])('shows the type of a secret only: %p', (value, text) => {
    expect(checks.secretRefusal('key', value, '16 bytes').message).toBe(
      `Store option key = ${text}: allowed is 16 bytes`,
    );
  });

  it('does not show the value of an option that it does not know, which may be a secret', () => {
    expect(() => checks.names({ pasword: 'hunter2' }, ['password'])).not.toThrow('hunter2');
  });

  it('fills in the defaults of what was left out or is undefined, and changes neither', () => {
    const given: Options = { size: undefined, name: 'a' };
    const defaults = new Options();

    expect(checks.complete<Options, 'name'>(given, defaults)).toEqual({ size: 5, name: 'a' });
    expect(checks.complete<Options, 'name'>({}, defaults)).toEqual({ size: 5, name: undefined });
    expect([given, defaults]).toEqual([{ name: 'a' }, new Options()]);
    expect(() => checks.complete({ siez: 1 } as Options, defaults)).toThrow('there are size, name');
  });

  it('reads options that are getters of a class', () => {
    class FromEnvironment implements Options {
      get size(): number {
        return 7;
      }
    }

    expect(checks.complete<Options, 'name'>(new FromEnvironment(), new Options())).toEqual({
      size: 7,
      name: undefined,
    });
  });

  it('throws the error of its owner', () => {
    const ofBean = new OptionChecks('Cart: @SessionScoped()', SessionBeanError);

    expect(() => ofBean.within('migrate').wholeNumber('1', 'x', { least: 1 })).toThrow(SessionBeanError);
    expect(() => ofBean.flag('x', 1)).toThrow('Cart: @SessionScoped() option x = 1: allowed is true, false');
  });
});
