/** How an output asks for an artifact's page without knowing who shows it: the panel answers, where there is one. */

import { DisposableDelegate } from '@lumino/disposable';
import type { IDisposable } from '@lumino/disposable';

export interface PageTarget {
  id: string;
  key: string | null;
}

type Opener = (target: PageTarget) => void;

let opener: Opener | null = null;

/** Have `open` show pages from now on, until what this returns is disposed. */
export function providePages(open: Opener): IDisposable {
  opener = open;
  return new DisposableDelegate(() => {
    if (opener === open) {
      opener = null;
    }
  });
}

/** Whether somebody shows pages here. */
export function hasPages(): boolean {
  return opener !== null;
}

export function openPage(target: PageTarget): void {
  opener?.(target);
}
