/** What a progress artifact says, read from its record, and the estimate that every viewer computes alike. */

import type { ProgressInfo, WireRecord } from './wire';

export type ProgressState = ProgressInfo['state'];

/** A progress artifact as views need it; `share` is 0..1, or null while nobody can know. */
export interface Bar {
  state: ProgressState;
  share: number | null;
  done: number | null;
  total: number | null;
  unit: string | null;
  rate: number | null;
  started: number | null;
  ended: number | null;
  updated: number | null;
  info: Partial<ProgressInfo>;
}

const STATES: readonly ProgressState[] = [
  'running',
  'finished',
  'failed',
  'interrupted',
  'stopped'
];

/** Read a record, whoever made it: a Prefect client gives no `info`, only the percentage. */
export function progressOf(record: WireRecord): Bar {
  const info = record.info as Partial<ProgressInfo>;
  const percent = typeof record.data === 'number' ? Math.min(100, Math.max(0, record.data)) : null;
  const total = number(info.total);
  const done = number(info.done);
  const state =
    STATES.find(known => known === info.state) ?? (percent === 100 ? 'finished' : 'running');
  const counted = info.state !== undefined && total === null && state !== 'finished' && !percent;
  return {
    state,
    share: counted || percent === null ? null : percent / 100,
    done,
    total,
    unit: typeof info.unit === 'string' ? info.unit.slice(0, 40) : null,
    rate: number(info.rate),
    started: time(info.started ?? record.created),
    ended: time(info.ended),
    updated: time(record.updated),
    info
  };
}

/** Seconds gone and seconds left (null where unknown), at `now`. Without a measured rate the mean so far counts. */
export function estimate(bar: Bar, now: Date): { gone: number | null; left: number | null } {
  const until = bar.state === 'running' ? now.getTime() : (bar.ended ?? bar.updated);
  const gone =
    bar.started === null || until === null ? null : Math.max(0, (until - bar.started) / 1000);
  if (bar.state !== 'running' || bar.total === null || bar.done === null) {
    return { gone, left: null };
  }
  const sinceNews = bar.updated === null ? 0 : Math.max(0, (now.getTime() - bar.updated) / 1000);
  const measured = (gone ?? 0) - sinceNews;
  const rate = bar.rate ?? (measured >= 1 ? bar.done / measured : 0);
  const left = rate > 0 ? (bar.total - bar.done) / rate : Number.NaN;
  return { gone, left: left >= 0 && left < 1e9 ? Math.max(0, left - sinceNews) : null };
}

/** The whole percentage of a share that is reached: 29 of 0.29, although 0.29 * 100 is a little less. */
export function percentage(share: number): number {
  return Math.floor(share * 100 + 1e-9);
}

/** For how many seconds a running bar has been silent, or null while that is no wonder. */
export function silence(bar: Bar, now: Date): number | null {
  if (bar.state !== 'running' || bar.updated === null) {
    return null;
  }
  const seconds = (now.getTime() - bar.updated) / 1000;
  const expected = bar.rate !== null && bar.rate > 0 ? 3 / bar.rate : 0;
  return seconds > Math.max(30, expected) ? seconds : null;
}

/** A number that can be drawn, else null: whoever wrote the record may have written anything. */
export function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Milliseconds since 1970 of a time as the wire writes it, else null; Date.parse alone finds a year in any text. */
export function time(value: unknown): number | null {
  const at =
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
