import { describe, expect, it, vi } from 'vitest';
import { mountDisplay } from '../src/views/display';
import { mountLink } from '../src/views/link';
import { mountOther } from '../src/views/other';
import { followed } from '../src/views/dom';
import type { WireRecord } from '../src/wire';
import { record } from './records';
import { sourceOf } from './sources';

/** A source whose payload comes when the test gives it. */
function slow(): { source: ReturnType<typeof sourceOf>; give: ((data: unknown) => void)[] } {
  const give: ((data: unknown) => void)[] = [];
  const data = (): Promise<unknown> => new Promise(resolve => give.push(resolve));
  return { source: sourceOf(record({ type: 'new' }), { data }), give };
}

const live = (): AbortSignal => new AbortController().signal;
const soon = (): Promise<unknown> => new Promise(resolve => setTimeout(resolve));

describe('a view that follows a source', () => {
  it('shows the last state, in whatever order the answers come', async () => {
    const host = document.createElement('div');
    const { source, give } = slow();
    const mounted = mountOther(host, source, live());
    source.change({});
    source.change({});
    give[2]?.('third');
    give[1]?.('second');
    give[0]?.('first');
    await mounted;
    await soon();
    expect(host.textContent).toBe('third');
  });

  it('shows nothing any more once its signal has aborted', async () => {
    const host = document.createElement('div');
    const { source, give } = slow();
    const ended = new AbortController();
    const mounted = mountLink(host, source, ended.signal);
    ended.abort();
    give[0]?.('[a](https://a.b)');
    await mounted;
    expect(host.childElementCount).toBe(0);
  });

  it('draws an output anew when it is another one, and not for its description', async () => {
    vi.stubGlobal('IntersectionObserver', class { observe = vi.fn(); disconnect = vi.fn(); }); // prettier-ignore
    const host = document.createElement('div');
    const blobOf = (sha256: string): WireRecord['blob'] => ({ sha256, size: 1, media: '' });
    const text = (): Promise<string> =>
      Promise.resolve(JSON.stringify({ data: { 'text/html': html } }));
    const blob = vi.fn(() => Promise.resolve({ text } as Blob));
    let html = '<b>first</b>';
    const source = sourceOf(record({ type: 'display', blob: blobOf('1') }), { blob });
    await mountDisplay(host, source, live());
    expect(host.textContent).toBe('first');
    const drawn = host.firstChild;
    source.change({ description: 'words' });
    await soon();
    expect(host.firstChild).toBe(drawn);
    html = '<b>second</b>';
    source.change({ blob: blobOf('2') });
    await vi.waitFor(() => expect(host.textContent).toBe('second'));
    expect(blob).toHaveBeenCalledTimes(2);
    vi.unstubAllGlobals();
  });

  it('keeps what it shows where a change cannot be loaded', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const source = sourceOf(record());
    const shown: unknown[] = [];
    let load = (): Promise<unknown> => Promise.resolve(1);
    await followed(source, () => load(), value => shown.push(value), live()); // prettier-ignore
    load = () => Promise.reject(new Error('away'));
    source.change({});
    await soon();
    expect(shown).toEqual([1]);
    expect(warn).toHaveBeenCalledOnce();
  });
});
