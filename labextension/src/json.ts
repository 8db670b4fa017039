/**
 * JSON without loss: integers that a double cannot hold become bigint.
 *
 * Engines that hand the reviver a number's source text do it directly. Elsewhere such integers are found in the text
 * first and wrapped in strings that no content can know.
 */

type Context = { source?: string };
type Reviver = (this: unknown, key: string, value: unknown, context?: Context) => unknown;

const INTEGER = /^-?\d+$/;

function exact(_key: string, value: unknown, context?: Context): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) {
    return value;
  }
  const source = context?.source;
  return source !== undefined && INTEGER.test(source) ? BigInt(source) : value;
}

function hasSource(): boolean {
  let seen = false;
  JSON.parse('1', ((_key, value, context) => {
    seen = context?.source === '1';
    return value;
  }) as Reviver);
  return seen;
}

const native = hasSource();

// A whole string or a whole number.
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/** As `parse`, for engines without source text access. */
export function parseByText(text: string): unknown {
  const mark = `${crypto.getRandomValues(new Uint32Array(4)).join('-')}:`;
  let found = false;
  const marked = text.replace(TOKENS, token => {
    if (!INTEGER.test(token) || Number.isSafeInteger(Number(token))) {
      return token;
    }
    found = true;
    return `"${mark}${token}"`;
  });
  if (!found) {
    return JSON.parse(text);
  }
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value
  );
}

/** The value that `text` spells. Throws SyntaxError as JSON.parse does. */
export function parse(text: string): unknown {
  if (!/\d{16}/.test(text)) {
    return JSON.parse(text);
  }
  return native ? JSON.parse(text, exact) : parseByText(text);
}

/** `value` as indented JSON, big integers with all their digits. */
export function print(value: unknown): string {
  const mark = `${crypto.getRandomValues(new Uint32Array(4)).join('-')}:`;
  const text = JSON.stringify(
    value,
    (_key, member: unknown) => (typeof member === 'bigint' ? `${mark}${member}` : member),
    2
  );
  return (text ?? 'null').replaceAll(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}
