import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import { createElement } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Client } from '../src/client';
import { useSource } from '../src/panel/sourced';
import { record } from './records';
import { clientOf, Events, fakeLocks, json } from './server';

beforeEach(() => {
  vi.stubGlobal('navigator', { ...navigator, locks: fakeLocks() });
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.stubGlobal('requestIdleCallback', (call: () => void) => setTimeout(call));
});
afterEach(() => void vi.unstubAllGlobals());

const TOOLS = { markdownParser: null };

function Shown({ client }: { client: Client }): React.ReactElement {
  const [source, retry] = useSource(client, record().id, TOOLS);
  const words = typeof source === 'string' ? source : (source?.record.key ?? 'loading');
  return createElement('button', { onClick: retry }, words);
}

it('a page whose artifact did not come asks again when told to, and when the server is back', async () => {
  let away = true;
  const streams: Events[] = [];
  const { client } = clientOf((path, _body, signal) => {
    if (away) {
      throw new TypeError('network');
    }
    if (path === 'events') {
      streams.push(new Events());
      return (streams.at(-1) as Events).response(signal);
    }
    return json(path === 'artifacts/filter' ? [record()] : record());
  });
  const widgets = [0, 1].map(() => ReactWidget.create(createElement(Shown, { client })));
  widgets.forEach(widget => Widget.attach(widget, document.body));
  const words = (): (string | null)[] => widgets.map(widget => widget.node.textContent);
  const sentence = 'The Jupyter server does not answer.';
  await vi.waitFor(() => expect(words()).toEqual([sentence, sentence]));
  away = false;
  widgets[0]?.node.querySelector('button')?.click();
  await vi.waitFor(() => expect(words()).toEqual(['a-key', sentence]));
  await vi.waitFor(() => expect(streams).toHaveLength(1), 5000);
  streams[0]?.hello(1);
  await vi.waitFor(() => expect(words()).toEqual(['a-key', 'a-key']));
  widgets.forEach(widget => widget.dispose());
});
