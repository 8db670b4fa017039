/** Which texts are not handed to a Markdown parser. */

/** Longer text is shown as it stands: parsers take too long over hostile text of that size. */
export const LONGEST_MARKDOWN = 200_000;

// Nesting that makes parsers slow: long rows of brackets, quotes or emphasis marks.
const DEEP = /[[\]]{500}|(?:>\s?){500}|(?:[*_~`]\s?){1000}|^(?:\s*[-*+]\s){200}/m;

/** Whether a parser can be trusted to come back soon. */
export function tooMuch(text: string): boolean {
  return text.length > LONGEST_MARKDOWN || DEEP.test(text);
}
