import { describe, expect, it } from 'vitest';
import {
  bundleOf,
  choose,
  dataTypes,
  drawnAs,
  fetches,
  hasLiveParts,
  withoutOptions
} from '../src/bundle';
import { tooMuch } from '../src/limits';
import { referenceOf } from '../src/reference';
import { linkOf, mountLink } from '../src/views/link';
import { asItStands } from '../src/views/markdown';
import { mountOther } from '../src/views/other';
import { MIME } from '../src/wire';
import { record } from './records';
import { sourceOf } from './sources';

const ID = record().id;
const VEGA = 'application/vnd.vegalite.v5+json';
const PLOTLY = 'application/vnd.plotly.v1+json';

describe('references', () => {
  it('give an id and words', () => {
    const reference = referenceOf({
      [MIME]: { id: ID.toUpperCase(), store: 's', type: 'table', key: 'k', version: 3 }
    });
    expect(reference).toMatchObject({
      id: ID,
      store: 's',
      type: 'table',
      key: 'k',
      version: 3,
      preview: null
    });
  });

  it.each([
    null,
    'text',
    [],
    {},
    { id: 5 },
    { id: '../../api/shutdown' },
    { id: `${ID}/blob` },
    { id: `${ID}\n` },
    { id: { toString: () => ID } },
    { id: 'http://evil.invalid/00000000-0000-0000-0000-000000000000' }
  ])('are refused: %j', value => expect(referenceOf({ [MIME]: value })).toBeNull());

  it('have no members but those that are known', () => {
    const reference = referenceOf({
      [MIME]: { id: ID, url: 'https://evil.invalid', title: { x: 1 }, version: '9' }
    });
    expect(reference).not.toHaveProperty('url');
    expect(reference).toMatchObject({ title: null, version: null, store: '' });
  });
});

describe('MIME bundles', () => {
  const bundle = (data: object): ReturnType<typeof bundleOf> => bundleOf({ data });

  it('lend only specifications to the front end', () => {
    const types = [VEGA, PLOTLY, 'application/vnd.jupyter.widget-view+json', 'application/vnd.bokehjs_exec.v0+json',
      'application/javascript', 'text/html', MIME]; // prettier-ignore
    expect(dataTypes(bundle(Object.fromEntries(types.map(type => [type, {}]))))).toEqual([
      VEGA,
      PLOTLY
    ]);
  });

  it('are drawn by the nearest renderer there is', () => {
    const v6 = VEGA.replace('v5', 'v6');
    expect(drawnAs(v6, new Set([VEGA]))).toBe(VEGA);
    expect(drawnAs(v6, new Set([v6, VEGA]))).toBe(v6);
    expect(drawnAs(v6, new Set(['text/html']))).toBeNull();
    expect(drawnAs(PLOTLY, new Set([VEGA]))).toBeNull();
  });

  it('fall back from picture to HTML to text', () => {
    const data = { 'text/html': '<b>x</b>', 'image/png': 'AAAA', 'text/plain': 'x' };
    expect(choose(bundle(data), true).kind).toBe('image');
    expect(choose(bundle(data), false).kind).toBe('html');
    expect(choose(bundle({ 'text/latex': '$x$', 'text/plain': 'x' }), false).kind).toBe('latex');
    expect(choose(bundle({ 'text/plain': ['a', 'b'] }), false)).toEqual({
      kind: 'text',
      value: 'ab'
    });
    expect(choose(bundleOf(null), false)).toEqual({ kind: 'text', value: '' });
    expect(choose(bundleOf({ data: [], metadata: 'x' }), true)).toEqual({
      kind: 'text',
      value: ''
    });
  });

  it.each([
    [
      {
        $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
        data: { values: [{ a: 'x' }] }
      },
      []
    ],
    [{ data: { url: 'https://evil.invalid/x.csv' } }, ['evil.invalid']],
    [{ data: { url: 'data/x.csv' } }, ['a file beside this page']],
    [{ layout: { images: [{ source: '//evil.invalid/x.png' }] } }, ['evil.invalid']],
    [{ layout: { images: [{ source: 'data:image/png;base64,AA' }] } }, []],
    [{ data: [{ type: 'scattergeo' }] }, ['a map server']],
    [
      {
        data: [{ type: 'heatmap' }],
        layout: { template: { data: { scattergeo: [{ type: 'scattergeo' }] } } }
      },
      []
    ]
  ])('say what %j would fetch', (spec, hosts) => expect(fetches(spec)).toEqual(hosts));

  it('cannot steer the renderer', () => {
    expect(withoutOptions({ usermeta: { embedOptions: {} }, mark: 'bar' })).toEqual({
      mark: 'bar'
    });
  });

  it('know what of HTML is not shown', () => {
    expect(hasLiveParts('<div><script>x</script></div>')).toBe(true);
    expect(hasLiveParts('<table><tr><td>script</td></tr></table>')).toBe(false);
  });
});

describe('links', () => {
  const data = (text: string): unknown => linkOf(record({ info: {} }), text);

  it('are read from info, or from Markdown of any client', () => {
    expect(linkOf(record({ info: { url: 'https://a.b', text: 'T' } }), null)).toEqual({
      url: 'https://a.b',
      text: 'T'
    });
    expect(data('[a \\[b\\]](https://a.b/\\(c\\))')).toEqual({
      url: 'https://a.b/(c)',
      text: 'a [b]'
    });
    expect(data('https://a.b')).toEqual({ url: 'https://a.b', text: 'https://a.b' });
  });

  it('open a new tab, or are only text', async () => {
    const host = document.createElement('div');
    const mount = (url: string): Promise<void> =>
      mountLink(host, sourceOf(record({ info: { url, text: 'T' } })), new AbortController().signal);
    await mount('https://example.org/x');
    expect(host.querySelector('a')).toMatchObject({ target: '_blank', rel: 'noopener noreferrer' });
    await mount('javascript:alert(1)');
    expect(host.querySelector('a')).toBeNull();
    expect(host.textContent).toContain('javascript:alert(1)');
  });
});

describe('texts', () => {
  it.each([
    ['['.repeat(50_000), true],
    ['> '.repeat(20_000), true],
    ['*'.repeat(5_000), true],
    ['*a **b '.repeat(10_000), true],
    ['*a _b\n\n'.repeat(10_000), false],
    ['a_snake_case_name = 1\n'.repeat(5_000), false],
    ['| **bold** | *it* |\n'.repeat(400), false],
    ['x'.repeat(300_000), true],
    ['# A report\n\n'.repeat(100), false],
    [`${'| a '.repeat(40)}|\n${'|---'.repeat(40)}|\n`, false]
  ])('that parsers choke on are found: %#', (text, much) => expect(tooMuch(text)).toBe(much));

  it('that are too long come in parts', () => {
    const text = 'line\n'.repeat(30_000);
    const [, pre, more] = asItStands(text) as [Node, HTMLElement, HTMLButtonElement];
    expect(pre.textContent.length).toBe(50_000);
    more.click();
    more.click();
    expect(pre.textContent).toBe(text);
    expect(more.hidden).toBe(true);
  });

  it('of unknown types are shown as JSON, big integers whole', async () => {
    const host = document.createElement('div');
    await mountOther(
      host,
      sourceOf(record({ type: 'new', data: { a: 2n ** 64n } })),
      new AbortController().signal
    );
    expect(host.textContent).toBe('{\n  "a": 18446744073709551616\n}');
  });
});
