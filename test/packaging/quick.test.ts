import { describe, expect, it } from 'vitest';
import { arrowsAsFunctions, ascii, privateNames, withPrivateNames } from '../../scripts/quick.js';

describe('ascii', () => {
  it('writes other characters by their numbers', () => {
    expect(ascii('const a = `1…2`, b = "≤";')).toBe('const a = `1\\u20262`, b = "\\u2264";');
  });

  it('gives a character of two units as two', () => {
    expect(JSON.parse(ascii('"😀"'))).toBe('😀');
  });
});

describe('arrowsAsFunctions', () => {
  it.each([
    ['const f = (a, b) => a + b;', 'const f = function(a, b) { return (a + b); };'],
    ['const f = () => {\n\treturn 1;\n};', 'const f = function() {\n\treturn 1;\n};'],
    ['const f = (a = (() => 2)()) => ({ a });', 'const f = function(a = (() => 2)()) { return (({ a })); };'],
    ['const f = async ({ a }, ...rest) => a;', 'const f = async function({ a }, ...rest) { return (a); };'],
    ['g("x", (a) => (b) => a + b, 1);', 'g("x", function(a) { return ((b) => a + b); }, 1);'],
    ['const o = { f: (a) => a ? 1 : 2, g: 3 };', 'const o = { f: function(a) { return (a ? 1 : 2); }, g: 3 };'],
    ['const f = (a) =>\n\ta;', 'const f = function(a) { return (\n\ta); };'],
  ])('rewrites %s', (code, expected) => {
    const made = arrowsAsFunctions(code);
    expect(made).toBe(expected);
    expect(made.split('\n').length).toBe(code.split('\n').length);
  });

  it.each([
    'function f() {\n\treturn [1].map((a) => a);\n}',
    'class A {\n\tf = (a) => this.b + a;\n\tg = () => 1;\n}',
    'const f = () => this;',
    'const f = () => import.meta.url;',
    'const f = () => () => arguments.length;',
  ])('leaves alone %s', (code) => {
    expect(arrowsAsFunctions(code)).toBe(code);
  });

  it('refuses what it does not know', () => {
    expect(() => arrowsAsFunctions('const f = a => a;')).toThrow('got a => a');
  });
});

describe('private names', () => {
  const code = 'class A {\n\t#count = 0;\n\tis(a) {\n\t\treturn #count in a && this.#count > `#x`;\n\t}\n}';
  const short = code.replaceAll('#count', '#e');

  it('are given back in the order of the text', () => {
    expect(privateNames(code)).toEqual(['count', 'count', 'count']);
    expect(withPrivateNames(short, privateNames(code))).toBe(code);
  });

  it('are as many as before', () => {
    expect(() => withPrivateNames(short, ['count'])).toThrow('expected 1 private names, got 3');
  });
});
