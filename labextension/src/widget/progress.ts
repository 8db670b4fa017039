/** `ProgressWidget`: the view of progress artifacts, fed by the traits of ipywidgets' `IntProgress`. */

import type { WireRecord } from '../wire';
import { h } from '../views/dom';
import { mountProgress } from '../views/progress';
import { listen } from './model';
import type { WidgetModel } from './model';

export function mountProgressWidget(
  element: HTMLElement,
  model: WidgetModel,
  signal: AbortSignal
): void {
  const label = h('span', 'jp-nba-widget-label', { dir: 'auto' });
  const view = h('div', 'jp-nba-widget-view');
  element.append(label, view);
  const followers = new Set<(record: WireRecord) => void>();
  const source = {
    record: recordOf(model),
    subscribe(callback: (record: WireRecord) => void, until: AbortSignal): void {
      followers.add(callback);
      until.addEventListener('abort', () => followers.delete(callback), { once: true });
    }
  };
  const draw = (): void => {
    label.textContent = text(model.get('description'));
    label.hidden = label.textContent === '';
    element.dataset['style'] = text(model.get('bar_style'));
    source.record = recordOf(model);
    followers.forEach(callback => callback(source.record));
  };
  draw();
  mountProgress(view, source, signal);
  listen(model, 'change', draw, signal);
}

/** The record that the view would have of it: the bar's own where the widget follows one, else one of its numbers. */
function recordOf(model: WidgetModel): WireRecord {
  const [value, min, max] = ['value', 'min', 'max'].map(name => model.get(name));
  const low = number(min) ?? 0;
  const done = (number(value) ?? low) - low;
  const high = number(max);
  const total = high === null ? null : high - low;
  const own = model.get('_progress') as {
    info?: unknown;
    data?: unknown;
    updated?: unknown;
  } | null;
  const info = own?.info as WireRecord['info'] | undefined;
  const share = total === null ? 0 : total > 0 ? done / total : 1;
  return {
    id: '',
    created: '',
    updated: text(own?.updated),
    key: text(model.get('description')) || null,
    type: 'progress',
    description: null,
    data: number(own?.data) ?? 100 * share,
    metadata_: null,
    flow_run_id: null,
    task_run_id: null,
    version: null,
    seq: 1,
    tags: [],
    info: info ?? { state: 'running', done, total, message: text(model.get('text')) || null },
    blob: null
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
