import { runInThisContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { privateFieldsOf } from './bean-class-checks.js';

/** The class of a source as it is written: the compiler of the tests does not see it. */
function classOf(source: string): Type<object> {
  return runInThisContext(`(${source})`) as Type<object>;
}

describe('the #private instance fields of a class', () => {
  it.each([
    ['with a value', 'class A { #value = 0; }', ['#value']],
    ['without a value', 'class A { #value; }', ['#value']],
    ['without a semicolon', 'class A {\n  x = 1\n  #a = 2\n  #b\n  #c\n}', ['#a', '#b', '#c']],
    ['on one line', 'class A{#a=1;#b;#c=[1,{x:2}];d=3}', ['#a', '#b', '#c']],
    ['after a method', 'class A { m() { return 1; } #a = 1; get g() { return 2 } #b = 2; }', ['#a', '#b']],
    ['holding a function', 'class A { #a = () => { const x = {}; return x; }; #b = function () {}; }', ['#a', '#b']],
    ['with $ and digits in the name', 'class A { #$a1 = 1; #_b = 2; }', ['#$a1', '#_b']],
    ['after a heritage in braces', 'class A extends (class { x = {} }) { #a = 1 }', ['#a']],
    ['after a comment', 'class A { /* { */ #a = 1; // }\n #b = 2; }', ['#a', '#b']],
  ])('are found %s', (_, source, fields) => {
    expect(privateFieldsOf(classOf(source))).toEqual(fields);
  });

  it.each([
    ['methods', 'class A { #m() { return 1; } async #n() {} *#g() {} async *#h() {} }'],
    ['accessors', 'class A { get #a() { return 1; } set #a(v) {} }'],
    ['static members', 'class A { static #a = 1; static #m() {} static { A.#a = 2; } }'],
    ['line comments', 'class A {\n // #a = 1;\n x = 1; //\n}'],
    ['block comments', 'class A {\n /*\n #a = 1;\n */\n x = 1;\n}'],
    ['texts', `class A { x = '; #a = 1;'; y = "; #b;"; z = 'it\\'s; #c;' }`],
    ['templates', 'class A { x = `\n#a = 1;\n${1 + 1}\n#b;\n`; }'],
    ['regular expressions', String.raw`class A { x = /[/]; #a = 1;/; y = /"/; m() { return /#b/.test(";") } }`],
    ['inner classes', 'class A { m() { return class { #a = 1; }; } }'],
    ['uses', 'class A { m(o) {\n return o.\n#a in o } }'.replace('o.\n#a', '"x"')],
  ])('do not include %s', (_, source) => {
    expect(privateFieldsOf(classOf(source))).toEqual([]);
  });

  it('do not include uses of a field in the value of another one', () => {
    expect(privateFieldsOf(classOf('class A { #a = 1; is = (o) => #a in o; b = this.#a; c = 1 +\n this.#a }'))).toEqual(
      ['#a'],
    );
  });

  it('include the fields of ancestors', () => {
    expect(privateFieldsOf(classOf('class B extends (class A { #a = 1 }) { #b = 2 }'))).toEqual(['#a', '#b']);
  });

  it('are an empty list where a class has none', () => {
    expect(privateFieldsOf(class {})).toEqual([]);
    expect(privateFieldsOf(Map as unknown as Type<object>)).toEqual([]);
  });
});
