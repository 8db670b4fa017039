/** An image of ours by its bytes, or one that lies elsewhere: loaded unasked only where the artifact was made here. */

import { plain, summary } from '../format';
import { imageButton, remoteAllowed, remoteImage } from '../remote';
import { hostOf, isDataImage, remoteImageUrl } from '../url';
import type { ImageInfo } from '../wire';
import { h, notice, objectUrl } from './dom';
import type { Source } from './types';
import { zoomable } from './zoom';

export async function mountImage(
  element: HTMLElement,
  source: Source,
  signal: AbortSignal
): Promise<void> {
  const alt = altOf(source);
  if (source.record.blob) {
    const blob = await source.blob();
    if (!signal.aborted) {
      show(element, own(objectUrl(blob, signal), source), alt);
    }
    return;
  }
  const data = await source.data();
  const address = typeof data === 'string' ? data.trim() : '';
  const url = remoteImageUrl(address);
  if (isDataImage(address)) {
    show(element, own(address, source), alt);
  } else if (url === null) {
    element.replaceChildren(
      notice('This artifact names no image that can be shown.'),
      h('code', 'jp-nba-plain', {}, address.slice(0, 500))
    );
  } else if (remoteAllowed(url, source.local)) {
    show(element, remoteImage(url, alt), alt);
  } else {
    ask(element, url, alt);
  }
}

/** What a screen reader says: the description, else what is known. */
function altOf(source: Source): string {
  const { key, description } = source.record;
  return (
    (description && plain(description, 300)) ||
    [key, summary(source.record)].filter(Boolean).join(', ')
  );
}

function own(url: string, source: Source): HTMLImageElement {
  const image = h('img', '', { decoding: 'async' });
  const { width, height } = source.record.info as Partial<ImageInfo>;
  if (typeof width === 'number' && typeof height === 'number') {
    image.width = width;
    image.height = height;
  }
  image.src = url;
  return image;
}

function show(element: HTMLElement, image: HTMLImageElement, alt: string): void {
  image.alt = alt;
  image.classList.add('jp-nba-image');
  image.addEventListener('error', () => {
    const from = hostOf(image.src);
    element.replaceChildren(
      notice(from ? `The image on ${from} could not be loaded.` : 'The image could not be read.')
    );
  });
  element.replaceChildren(zoomable(image, alt));
}

function ask(element: HTMLElement, url: string, alt: string): void {
  const asked = imageButton(url, '', () => show(element, remoteImage(url, alt), alt));
  element.replaceChildren(h('p', '', {}, asked));
}
