/** Inline styles that content may keep: colour, type and spacing inside its own box. */

const ALLOWED = new Set(
  (
    'background-color border border-bottom border-bottom-color border-bottom-style border-bottom-width ' +
    'border-collapse border-color border-left border-left-color border-left-style border-left-width border-radius ' +
    'border-right border-right-color border-right-style border-right-width border-spacing border-style border-top ' +
    'border-top-color border-top-style border-top-width border-width box-sizing color display direction font-family ' +
    'font-size font-style font-variant font-variant-numeric font-weight height letter-spacing line-height ' +
    'list-style-type margin margin-bottom margin-left margin-right margin-top max-height max-width min-height ' +
    'min-width opacity overflow overflow-wrap overflow-x overflow-y padding padding-bottom padding-left ' +
    'padding-right padding-top text-align text-decoration text-decoration-color text-decoration-line ' +
    'text-decoration-style text-indent text-overflow text-transform unicode-bidi vertical-align white-space width ' +
    'word-break'
  ).split(' ')
);

const DISPLAYS = new Set(
  'block flex grid inline inline-block inline-flex list-item none table table-cell table-row'.split(
    ' '
  )
);

/** A background may be a gradient (bars inside table cells), never an image. */
const GRADIENT = /^(?:repeating-)?linear-gradient\([\w\s.,%#()+-]*\)$/i;

// A function that could fetch, or anything that is not plain text of values.
const UNSAFE =
  /(?:url|image|image-set|cross-fade|element|src|attr|env|expression|paint)\s*\(|[\\<>@{}]|\/\*/i;

/** The declarations of `text` that may stay. */
export function safeStyle(text: string): string {
  if (text.length > 4000 || text.includes('\\')) {
    return '';
  }
  const style = document.implementation.createHTMLDocument('').createElement('i').style;
  style.cssText = text;
  return keep(style);
}

function keep(style: CSSStyleDeclaration): string {
  const kept: string[] = [];
  for (const name of Array.from(style)) {
    const value = style.getPropertyValue(name);
    if (allowed(name, value)) {
      kept.push(`${name}: ${value}`);
    }
  }
  return kept.join('; ');
}

function allowed(name: string, value: string): boolean {
  if (name === 'background-image') {
    return GRADIENT.test(value);
  }
  if (!ALLOWED.has(name) || UNSAFE.test(value)) {
    return false;
  }
  if (name === 'display') {
    return DISPLAYS.has(value);
  }
  return !name.startsWith('margin') || !value.includes('-');
}

const MOST_RULES = 5000;

/**
 * Write the rules of HTML's own style sheets onto the elements they match (in order, simple), for markup such as a
 * styled data frame whose colours come from `<style>`, which is not kept.
 */
export function inlineStyles(html: string): string {
  if (!/<style[\s>]/i.test(html) || typeof CSSStyleSheet.prototype.replaceSync !== 'function') {
    return html;
  }
  const inert = new DOMParser().parseFromString(html, 'text/html');
  let left = MOST_RULES;
  for (const element of inert.querySelectorAll('style')) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(element.textContent ?? '');
    for (const rule of sheet.cssRules) {
      if (rule instanceof CSSStyleRule && left-- > 0) {
        apply(rule, inert.body);
      }
    }
  }
  return inert.body.innerHTML;
}

function apply(rule: CSSStyleRule, root: HTMLElement): void {
  const declarations = keep(rule.style);
  if (!declarations) {
    return;
  }
  try {
    for (const element of root.querySelectorAll<HTMLElement>(rule.selectorText)) {
      element.style.cssText += `; ${declarations}`;
    }
  } catch {
    // a selector that only a live page knows matches nothing here
  }
}
