/** Any other rich output: drawn by the front end where it can, else the picture, else the HTML made safe. */

import { bundleOf, choose, dataTypes, fetches, hasLiveParts } from '../bundle';
import type { Choice } from '../bundle';
import { plain, summary } from '../format';
import { parse, print } from '../json';
import { tooMuchHtml } from '../limits';
import type { MimeBundle } from '../source';
import { button, fill, followed, h, inSight, notice, objectUrl } from './dom';
import type { Source } from './types';
import { zoomable } from './zoom';

export async function mountDisplay(
  element: HTMLElement,
  source: Source,
  signal: AbortSignal
): Promise<void> {
  let shown: unknown = null;
  let drawing = new AbortController();
  signal.addEventListener('abort', () => drawing.abort(), { once: true });
  const load = async (): Promise<{ content: unknown; bundle: MimeBundle } | null> => {
    const { blob, seq } = source.record;
    const content = blob?.sha256 ?? seq;
    return content === shown ? null : { content, bundle: await bundleFor(source) };
  };
  const draw = async (loaded: { content: unknown; bundle: MimeBundle } | null): Promise<void> => {
    if (loaded !== null) {
      shown = loaded.content;
      drawing.abort();
      drawing = new AbortController();
      await show(element, source, loaded.bundle, drawing.signal);
    }
  };
  await followed(source, load, draw, signal);
}

async function bundleFor(source: Source): Promise<MimeBundle> {
  if (!source.record.blob) {
    const data = await source.data();
    return bundleOf({ data: { 'text/plain': typeof data === 'string' ? data : print(data) } });
  }
  const blob = await source.blob();
  return bundleOf(parse(await blob.text()));
}

async function show(
  element: HTMLElement,
  source: Source,
  bundle: MimeBundle,
  signal: AbortSignal
): Promise<void> {
  const types = dataTypes(bundle);
  const targets = types.flatMap(mime => fetches(bundle.data[mime]));
  if (types.length > 0 && targets.length === 0) {
    void drawWhenSeen(element, source, bundle, signal);
    return;
  }
  await still(element, source, choose(bundle, types.length > 0), signal);
  if (types.length > 0 && targets.length > 0 && source.mime) {
    const label = `Show the chart: it loads from ${[...new Set(targets)].join(', ')}`;
    const ask = button(
      label,
      label,
      () => {
        void drawn(element, source, bundle, signal).then(done => {
          if (!done) {
            ask.replaceWith(notice('This front end has no renderer for the chart.'));
          }
        });
      },
      'jp-nba-blocked'
    );
    element.prepend(h('p', '', {}, ask));
  }
}

/** The saved picture, if any, stands in until the chart comes into sight. */
async function drawWhenSeen(
  element: HTMLElement,
  source: Source,
  bundle: MimeBundle,
  signal: AbortSignal
): Promise<void> {
  const choice = choose(bundle, true);
  if (choice.kind === 'image') {
    await still(element, source, choice, signal);
  } else {
    element.replaceChildren(h('div', 'jp-nba-undrawn jp-nba-skeleton'));
  }
  await inSight(element, signal);
  if (!(await drawn(element, source, bundle, signal))) {
    await still(element, source, choice, signal);
  }
}

async function drawn(
  element: HTMLElement,
  source: Source,
  bundle: MimeBundle,
  signal: AbortSignal
): Promise<boolean> {
  const host = h('div', 'jp-nba-drawn');
  const before = [...element.childNodes];
  element.replaceChildren(host);
  const done = await source.mime?.(bundle, host, signal).catch((error: unknown) => {
    console.warn('nb-artifacts: the front end could not draw an output', error);
    return false;
  });
  if (!done) {
    element.replaceChildren(...before);
  }
  return done === true;
}

async function still(
  element: HTMLElement,
  source: Source,
  choice: Choice,
  signal: AbortSignal
): Promise<void> {
  const content = h('div', 'jp-RenderedHTMLCommon jp-nba-content');
  switch (choice.kind) {
    case 'image':
      element.replaceChildren(picture(choice, source, signal));
      return;
    case 'html':
      if (tooMuchHtml(choice.value)) {
        element.replaceChildren(notice('This output is too large to be shown here.'));
        return;
      }
      fill(content, source.html(choice.value));
      element.replaceChildren(...(hasSubstance(content) ? [content] : []));
      if (hasLiveParts(choice.value)) {
        element.append(notice('Interactive parts are not shown.'));
      }
      break;
    case 'markdown':
      fill(content, await source.markdown(choice.value));
      element.replaceChildren(content);
      break;
    case 'latex':
      fill(content, document.createTextNode(choice.value));
      element.replaceChildren(content);
      break;
    default:
      element.replaceChildren(text(choice.kind === 'json' ? print(choice.value) : choice.value));
      return;
  }
  void inSight(content, signal).then(() => source.typeset(content));
}

/** Whether anything is left that can be seen; a chart made of script leaves only its empty box. */
function hasSubstance(content: HTMLElement): boolean {
  return (
    Boolean(content.textContent?.trim()) ||
    content.querySelector('img, button, hr, [style*="background"]') !== null
  );
}

function text(value: string): HTMLElement {
  const shown = value.length > 100_000 ? `${value.slice(0, 100_000)}…` : value;
  return shown.trim()
    ? h('pre', 'jp-nba-plain', { dir: 'auto', tabindex: 0 }, shown)
    : notice('This output has nothing to show.');
}

function picture(
  choice: Choice & { kind: 'image' },
  source: Source,
  signal: AbortSignal
): HTMLElement {
  const { key, description } = source.record;
  const alt =
    (description && plain(description, 300)) ||
    [key, summary(source.record)].filter(Boolean).join(', ');
  const image = h('img', 'jp-nba-image', { alt, decoding: 'async' });
  image.src = objectUrl(bytesOf(choice), signal);
  return zoomable(image, alt);
}

function bytesOf({ mime, value }: Choice & { kind: 'image' }): Blob {
  if (mime === 'image/svg+xml' && value.trimStart().startsWith('<')) {
    return new Blob([value], { type: mime });
  }
  try {
    return new Blob([Uint8Array.from(atob(value.replace(/\s/g, '')), sign => sign.charCodeAt(0))], {
      type: mime
    });
  } catch {
    return new Blob([], { type: mime });
  }
}
