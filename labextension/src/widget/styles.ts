/** The bundle's own styles, once a document, and once a shadow root where a front end puts widgets into one. */

/** Put in by the bundler. */
declare const NBA_STYLES: string;

let sheet: CSSStyleSheet | null = null;

/** Make the styles hold where `element` is, now or as soon as it is in the page. */
export function adoptStyles(element: HTMLElement): void {
  adopt(element.ownerDocument);
  const inShadow = (): void => {
    const root = element.getRootNode();
    if (root instanceof ShadowRoot) {
      adopt(root);
    }
  };
  inShadow();
  requestAnimationFrame(inShadow);
}

function adopt(root: Document | ShadowRoot): void {
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(NBA_STYLES);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) {
    root.adoptedStyleSheets.push(sheet);
  }
}
