import { describe, expect, it } from 'vitest';
import { parse, parseByText, print } from '../src/json';

const BIG = '12345678901234567890123456789';

describe.each([
  ['parse', parse],
  ['parseByText', parseByText]
])('%s', (_name, read) => {
  it('keeps every digit of big integers', () => {
    expect(read(`{"a": ${BIG}, "b": [-9007199254740993, 9007199254740991]}`)).toEqual({
      a: BigInt(BIG),
      b: [-9007199254740993n, 9007199254740991]
    });
    expect(read(`[${'7'.repeat(400)}]`)).toEqual([BigInt('7'.repeat(400))]);
  });

  it('leaves fractions and exponents to doubles, and digits in text alone', () => {
    expect(read('[0.12345678901234567890, 1234567890123456789e3, 12345678901234567.5]')).toEqual([
      0.12345678901234568, 1234567890123456789e3, 12345678901234568
    ]);
    expect(read(`["${BIG}", "\\"${BIG}", "a: ${BIG}"]`)).toEqual([BIG, `"${BIG}`, `a: ${BIG}`]);
  });

  it('makes own members of names that objects have already', () => {
    const value = read(`{"__proto__": {"polluted": ${BIG}}, "constructor": 1}`) as object;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('throws as JSON.parse does', () => expect(() => read(`{"a": ${BIG},}`)).toThrow(SyntaxError));
});

describe('print', () => {
  it('writes big integers as numbers', () => {
    expect(print({ a: BigInt(BIG), b: 'x' })).toBe(`{\n  "a": ${BIG},\n  "b": "x"\n}`);
  });
});
