import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import { createElement } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Client } from '../src/client';
import { useSource } from '../src/panel/sourced';
import { record } from './records';
import { fakeLocks, leavingServer } from './server';

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
  const { client, streams, away } = leavingServer(
    path => (path === 'artifacts/filter' ? [record()] : record()),
    true
  );
  const widgets = [0, 1].map(() => ReactWidget.create(createElement(Shown, { client })));
  widgets.forEach(widget => Widget.attach(widget, document.body));
  const words = (): (string | null)[] => widgets.map(widget => widget.node.textContent);
  const sentence = 'The Jupyter server does not answer.';
  await vi.waitFor(() => expect(words()).toEqual([sentence, sentence]));
  away.now = false;
  widgets[0]?.node.querySelector('button')?.click();
  await vi.waitFor(() => expect(words()).toEqual(['a-key', sentence]));
  await vi.waitFor(() => expect(streams).toHaveLength(1), 5000);
  streams[0]?.hello(1);
  await vi.waitFor(() => expect(words()).toEqual(['a-key', 'a-key']));
  widgets.forEach(widget => widget.dispose());
});
