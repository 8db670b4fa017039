/** Which texts are not handed to a Markdown parser. */

/** Longer text is shown as it stands: parsers take too long over hostile text of that size. */
export const LONGEST_MARKDOWN = 200_000;

// Nesting that makes parsers slow: long rows of brackets, quotes or emphasis marks.
const DEEP = /[[\]]{500}|(?:>\s?){500}|(?:[*_~`]\s?){1000}|^(?:\s*[-*+]\s){200}/m;

const EMPHASIS = /[*~]+|(?<!\w)_+|_+(?!\w)/g;

// Parsers look at every pair of emphasis marks in a block; this many pairs take about half a second.
const MOST_PAIRS = 4_000_000;

function pairs(text: string): number {
  return text
    .split(/\n[ \t]*\n/)
    .reduce((sum, block) => sum + (block.match(EMPHASIS)?.length ?? 0) ** 2, 0);
}

/** Whether a parser cannot be trusted to come back soon. */
export function tooMuch(text: string): boolean {
  return text.length > LONGEST_MARKDOWN || DEEP.test(text) || pairs(text) > MOST_PAIRS;
}

/** More HTML than this is not shown: it would hold up the whole page whenever something moves. */
const MOST_HTML = 2_000_000;
const MOST_TAGS = 100_000;

/** Whether HTML has more characters or tags than a page should hold. */
export function tooMuchHtml(html: string): boolean {
  return html.length > MOST_HTML || (html.match(/</g)?.length ?? 0) > MOST_TAGS;
}
