/** What browsers have and jsdom has not. */

globalThis.DragEvent ??= class extends MouseEvent {} as typeof DragEvent;
Element.prototype.scrollIntoView ??= () => undefined;
globalThis.matchMedia ??= () =>
  ({
    matches: false,
    addEventListener: () => undefined,
    addListener: () => undefined
  }) as unknown as MediaQueryList;
