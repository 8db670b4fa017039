/** What anywidget gives to a view: the synced traits of the kernel's widget, and a line to it. */

export interface WidgetModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}

/** Fills an element from a model until a signal aborts. */
export type WidgetMount = (
  element: HTMLElement,
  model: WidgetModel,
  signal: AbortSignal
) => void | Promise<void>;

/** Calls back on an event of the model until `signal` aborts. */
export function listen(
  model: WidgetModel,
  event: string,
  callback: (...args: never[]) => void,
  signal: AbortSignal
): void {
  if (!signal.aborted) {
    model.on(event, callback);
    signal.addEventListener('abort', () => model.off(event, callback), { once: true });
  }
}
