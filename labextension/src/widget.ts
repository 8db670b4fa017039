/**
 * The entry for anywidget: the views inside any layout of widgets, in front ends with and without our extension. A
 * model's `_view` names the one it wants.
 */

import { h, notice, reason } from './views/dom';
import type { WidgetModel, WidgetMount } from './widget/model';
import { mountProgressWidget } from './widget/progress';
import { adoptStyles } from './widget/styles';
import { mountTableWidget } from './widget/table';

/** One entry a kind of widget. */
const mounts: { readonly [view: string]: WidgetMount } = {
  progress: mountProgressWidget,
  table: mountTableWidget
};

/** Draws a model into `el`; what it gives back ends the drawing. */
function render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
  const ended = new AbortController();
  const name = String(model.get('_view'));
  const host = h('div', `jp-nba-widget jp-nba-widget-${name}`);
  el.append(host);
  adoptStyles(el);
  const mount = Object.hasOwn(mounts, name) ? mounts[name] : undefined;
  const failed = (error: unknown): void => {
    if (!ended.signal.aborted) {
      host.replaceChildren(notice(`This widget could not be shown. ${reason(error)}`));
    }
  };
  try {
    Promise.resolve(mount?.(host, model, ended.signal)).catch(failed);
  } catch (error) {
    failed(error);
  }
  return () => {
    ended.abort();
    host.remove();
  };
}

export default { render };
