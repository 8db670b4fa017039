/** What a notebook's output says of an artifact: hostile input, of which only an id and words are taken. */

import { isId } from './client';
import { MIME } from './wire';
import type { Reference, WireRecord } from './wire';

/** The reference under our MIME type, or null where there is none that could be looked up. */
export function referenceOf(data: { readonly [mime: string]: unknown }): Reference | null {
  const value = data[MIME] as Partial<Reference> | null | undefined;
  if (value === null || typeof value !== 'object' || !isId(value.id)) {
    return null;
  }
  return {
    id: value.id.toLowerCase(),
    store: words(value.store, 100) ?? '',
    type: words(value.type, 80),
    key: words(value.key, 1000),
    version: typeof value.version === 'number' ? value.version : null,
    title: words(value.title, 300),
    description: words(value.description, 1000),
    preview: words(value.preview, 4000)
  };
}

function words(value: unknown, limit: number): string | null {
  return typeof value === 'string' ? value.slice(0, limit) : null;
}

/** The head of a record as far as the reference knows it, for a card that still loads. */
export function provisional(reference: Reference): WireRecord {
  return {
    id: reference.id,
    created: '',
    updated: '',
    key: reference.key ?? null,
    type: reference.type,
    description: reference.description ?? null,
    metadata_: null,
    flow_run_id: null,
    task_run_id: null,
    version: reference.version ?? null,
    seq: 0,
    tags: [],
    info: {},
    blob: null
  };
}

/** The output's static parts, joined as notebooks store them. */
export function part(data: { readonly [mime: string]: unknown }, mime: string): string {
  const value = data[mime];
  return Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
}
