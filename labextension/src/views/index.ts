/** The views by type. Leaving one out is a compile error. */

import type { ArtifactType } from '../wire';
import { drawCard } from './card';
import type { CardOptions } from './card';
import { mountDisplay } from './display';
import { mountImage } from './image';
import { mountLink } from './link';
import { mountMarkdown } from './markdown';
import { mountOther } from './other';
import { mountProgress } from './progress';
import { mountTable } from './table';
import type { Mount, Source } from './types';

export type { Mount, Source } from './types';
export type { CardOptions } from './card';

export const views: { readonly [type in ArtifactType]: Mount } = {
  link: mountLink,
  markdown: mountMarkdown,
  progress: mountProgress,
  image: mountImage,
  table: mountTable,
  display: mountDisplay
};

/** The view of a type, whatever it is. */
export function viewOf(type: string | null): Mount {
  return type !== null && Object.hasOwn(views, type) ? views[type as ArtifactType] : mountOther;
}

/** Head, body and foot around the type's view; what was in `element` is replaced. */
export function mountCard(
  element: HTMLElement,
  source: Source,
  signal: AbortSignal,
  options: CardOptions = {}
): Promise<void> {
  return drawCard(element, source, signal, viewOf(source.record.type), options);
}
