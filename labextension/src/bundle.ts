/** Which part of a MIME bundle is shown, and what it would fetch. No DOM. */

import type { MimeBundle } from './source';

export type Choice =
  | { kind: 'image'; mime: string; value: string }
  | { kind: 'html' | 'markdown' | 'latex' | 'text'; value: string }
  | { kind: 'json'; value: unknown };

/** Specifications whose renderers only draw. Others may run what they carry, so a list of known ones. */
const DRAWN = /^application\/vnd\.(?:vega\.v\d+|vegalite\.v\d+|plotly\.v\d+|dataresource)\+json$/;

/** The type among `known` by which a specification can be drawn: its own, or Vega-Lite's nearest older release. */
export function drawnAs(mime: string, known: ReadonlySet<string>): string | null {
  const release = /^(application\/vnd\.vega(?:lite)?\.v)(\d+)\+json$/.exec(mime);
  if (known.has(mime) || release === null) {
    return known.has(mime) ? mime : null;
  }
  for (let version = Number(release[2]); version > 4; version -= 1) {
    const older = `${release[1]}${version}+json`;
    if (known.has(older)) {
      return older;
    }
  }
  return null;
}

/** The bundle's data types for the front end's own renderers. */
export function dataTypes(bundle: MimeBundle): string[] {
  return Object.keys(bundle.data).filter(
    mime => DRAWN.test(mime) && typeof bundle.data[mime] === 'object'
  );
}

const IMAGES = ['image/svg+xml', 'image/png', 'image/jpeg', 'image/gif', 'image/webp'];

/** The best part that needs no renderer of the front end's. `raster` puts a picture before HTML. */
export function choose(bundle: MimeBundle, raster: boolean): Choice {
  const html = text(bundle, 'text/html');
  const image = IMAGES.find(mime => text(bundle, mime));
  if (image && (raster || !html)) {
    return { kind: 'image', mime: image, value: text(bundle, image) };
  }
  if (html) {
    return { kind: 'html', value: html };
  }
  for (const [mime, kind] of [
    ['text/latex', 'latex'],
    ['text/markdown', 'markdown']
  ] as const) {
    if (text(bundle, mime)) {
      return { kind, value: text(bundle, mime) };
    }
  }
  if (bundle.data['application/json'] !== undefined) {
    return { kind: 'json', value: bundle.data['application/json'] };
  }
  return { kind: 'text', value: text(bundle, 'text/plain') };
}

function text(bundle: MimeBundle, mime: string): string {
  const value = Object.hasOwn(bundle.data, mime) ? bundle.data[mime] : '';
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}

/** A bundle out of stored JSON, whoever wrote it. */
export function bundleOf(value: unknown): MimeBundle {
  const { data, metadata } = (value ?? {}) as Partial<MimeBundle>;
  const object = (part: unknown): { [mime: string]: unknown } =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? (part as { [mime: string]: unknown })
      : {};
  return { data: object(data), metadata: object(metadata) };
}

const ADDRESS = /^\s*(?:[a-z][a-z0-9+.-]*:)?\/\/[^/\s]+|^\s*https?:/i;
const FETCHING_KEYS = new Set(['url', 'href', 'src', 'source', 'topojsonURL', 'accesstoken']);
const MAPS = /^(?:scattergeo|choropleth(?:map|mapbox)?|(?:scatter|density)(?:map|mapbox))$/;

/** What drawing a specification could fetch: hosts, or words for it. Empty when it carries all its data. */
export function fetches(spec: unknown): string[] {
  const found = new Set<string>();
  visit(spec, '', found, { left: 200_000 });
  return [...found].slice(0, 5);
}

/** Templates of plotly describe every kind of trace and draw none. */
const DESCRIPTIONS = new Set(['template']);

function visit(value: unknown, key: string, found: Set<string>, budget: { left: number }): void {
  budget.left -= 1;
  if (budget.left < 0) {
    found.add('more than can be checked');
    return;
  }
  if (typeof value === 'string') {
    const target = targetOf(value, key);
    if (target) {
      found.add(target);
    }
  } else if (Array.isArray(value)) {
    value.forEach(member => visit(member, key, found, budget));
  } else if (value !== null && typeof value === 'object') {
    for (const [name, member] of Object.entries(value)) {
      visit(DESCRIPTIONS.has(name) ? withoutTypes(member) : member, name, found, budget);
    }
  }
}

function withoutTypes(template: unknown): unknown {
  const { data: _, ...kept } = (template ?? {}) as { data?: unknown };
  return kept;
}

function targetOf(value: string, key: string): string {
  if (key === '$schema') {
    return '';
  }
  if (key === 'type' && MAPS.test(value)) {
    return 'a map server';
  }
  if (ADDRESS.test(value)) {
    return (
      value.replace(/^\s*(?:[a-z][a-z0-9+.-]*:)?\/*/i, '').split(/[/?#\s]/)[0] || 'another host'
    );
  }
  return FETCHING_KEYS.has(key) && value && !value.startsWith('data:')
    ? 'a file beside this page'
    : '';
}

/** A specification without the members by which it could steer the renderer itself. */
export function withoutOptions(spec: unknown): unknown {
  if (spec === null || typeof spec !== 'object' || Array.isArray(spec)) {
    return spec;
  }
  const { usermeta: _, ...kept } = spec as { usermeta?: unknown };
  return kept;
}

const LIVE =
  /<(?:script|iframe|object|embed|form|input|button|select|textarea|canvas|svg|video|audio)[\s>/]/i;

/** Whether HTML has parts that are not shown. */
export function hasLiveParts(html: string): boolean {
  return LIVE.test(html);
}
