/** `TableWidget`: the grid of table artifacts, its pages answered by the kernel. */

import type { WireRecord } from '../wire';
import { mountTable } from '../views/table';
import { listen } from './model';
import type { WidgetModel } from './model';
import { CommRows } from './rows';

export async function mountTableWidget(
  element: HTMLElement,
  model: WidgetModel,
  signal: AbortSignal
): Promise<void> {
  const followers = new Set<(record: WireRecord) => void>();
  const source = {
    record: model.get('_record') as WireRecord,
    deleted: false,
    rows: new CommRows(model, signal),
    // the widget's state holds no rows
    data: () => Promise.resolve([]),
    subscribe(callback: (record: WireRecord) => void, until: AbortSignal): void {
      followers.add(callback);
      until.addEventListener('abort', () => followers.delete(callback), { once: true });
    }
  };
  listen(
    model,
    'change:_record',
    () => {
      source.record = model.get('_record') as WireRecord;
      followers.forEach(callback => callback(source.record));
    },
    signal
  );
  await mountTable(element, source, signal);
}
