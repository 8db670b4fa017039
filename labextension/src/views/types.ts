/** The contract of a view: it fills an element from a source until a signal aborts. */

import type { Source } from '../source';

export type { Source } from '../source';

export type Mount = (
  element: HTMLElement,
  source: Source,
  signal: AbortSignal
) => void | Promise<void>;
