import { beforeEach, describe, expect, it } from 'vitest';
import { safeStyle } from '../src/css';
import { sanitized } from '../src/sanitize';
import { setRemoteImages } from '../src/remote';

function clean(html: string, local = false): HTMLElement {
  const host = document.createElement('div');
  host.append(sanitized(html, local));
  return host;
}

const FORBIDDEN =
  'script, iframe, frame, object, embed, base, meta, link, form, input, textarea, select, style, svg, math, template, ' +
  'video, audio, source, portal, dialog, [id], [name], [srcdoc], [srcset], [action], [formaction], [ping], ' +
  '[background], [poster], [xlink\\:href], [data-commandlinker-command], [contenteditable], [popover]';

const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
  '<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<object data="javascript:alert(1)"></object><embed src="javascript:alert(1)">',
  '<base href="https://evil.invalid/"><a href="x">y</a>',
  '<meta http-equiv="refresh" content="0;url=https://evil.invalid">',
  '<link rel="stylesheet" href="https://evil.invalid/x.css">',
  '<style>@import url(https://evil.invalid/x.css); * { position: fixed }</style>',
  '<a href="javascript:alert(1)">x</a>',
  '<a href="java&#10;script:alert(1)">x</a>',
  '<a href="  &#1;javascript:alert(1)">x</a>',
  '<a href="vbscript:x">x</a><a href="data:text/html,x">x</a><a href="file:///etc/passwd">x</a>',
  '<a href="/logout">x</a><a href="?x">x</a><a href="#x">x</a>',
  '<form action="https://evil.invalid"><input name=a><button>x</button></form>',
  '<button formaction="javascript:alert(1)">x</button>',
  '<div id="main" name="x"><img name="body"></div>',
  '<a id=document name=cookie>x</a>',
  '<div data-commandlinker-command="terminal:create-new" data-commandlinker-args="{}">x</div>',
  '<div class="jp-Dialog jp-mod-styled">x</div>',
  '<div style="position:fixed;inset:0;background:red">x</div>',
  '<div style="background:url(https://evil.invalid/x)">x</div>',
  '<div style="background-image:image-set(\'https://evil.invalid/x\' 1x)">x</div>',
  '<div style="--x: url(https://evil.invalid); color: var(--x)">x</div>',
  '<table background="https://evil.invalid/x"><tr><td background="https://evil.invalid/x">x</td></tr></table>',
  '<video src="https://evil.invalid/x" poster="https://evil.invalid/y"></video>',
  '<picture><source srcset="https://evil.invalid/x"><img src="data:image/png;base64,AA"></picture>',
  '<img srcset="https://evil.invalid/x 1x">',
  '<img src="https://evil.invalid/x" lowsrc="https://evil.invalid/y">',
  '<img src="//evil.invalid/x"><img src="/api/shutdown"><img src="javascript:alert(1)">',
  '<img src="data:text/html,<script>alert(1)</script>">',
  '<input type="image" src="https://evil.invalid/x"><input type=checkbox onclick=alert(1)>',
  '<details ontoggle=alert(1) open><summary onclick=alert(1)>x</summary></details>',
  '<p role="dialog" aria-modal="true">x</p>',
  '<template><script>alert(1)</script></template>',
  '<xmp><img src=x onerror=alert(1)></xmp>',
  '<title><img src=x onerror=alert(1)></title>',
  '<select><style></select><img src=x onerror=alert(1)></style>',
  '<p contenteditable onfocus=alert(1) autofocus tabindex=1>x</p>',
  '<p is="custom-element" slot="x" part="y">x</p>',
  '<![CDATA[<img src=x onerror=alert(1)>]]>',
  '<!--><img src=x onerror=alert(1)>-->'
];

beforeEach(() => {
  localStorage.clear();
  setRemoteImages('ask');
});

describe('sanitized', () => {
  it.each(HOSTILE)('leaves nothing that acts in %s', html => {
    const host = clean(html, false);
    expect(host.querySelector(FORBIDDEN)).toBeNull();
    for (const element of host.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on/);
        expect(value).not.toMatch(/javascript:|vbscript:|evil\.invalid\/[xy]\b(?!$)/i);
      }
      expect(element.getAttribute('style') ?? '').not.toMatch(/url|fixed/);
      expect(element.className).not.toMatch(/jp-(?!nba-)/);
    }
    for (const image of host.querySelectorAll('img')) {
      expect(image.getAttribute('src') ?? 'data:image/').toMatch(/^data:image\//);
    }
    for (const link of host.querySelectorAll('a[href]')) {
      expect(link.getAttribute('href')).toMatch(/^(https?|mailto):/);
    }
  });

  it.each(HOSTILE)('changes nothing the second time in %s', html => {
    const once = clean(html).innerHTML.replace(
      /<button[^>]*class="jp-nba-blocked".*?<\/button>/g,
      ''
    );
    expect(clean(once).innerHTML).toBe(once);
  });

  it('keeps what a report needs', () => {
    const html =
      '<h1>T</h1><p>a <strong>b</strong> <em>c</em> <code class="language-python">d</code></p>' +
      '<table><thead><tr><th scope="col" style="text-align: right">n</th></tr></thead><tbody><tr><td colspan="2">1</td></tr></tbody></table>' +
      '<ul><li>x</li></ul><blockquote>q</blockquote><pre>p</pre><hr><img src="data:image/png;base64,AAAA" alt="i">';
    const host = clean(html);
    expect(
      host.querySelectorAll(
        'h1, strong, em, code.language-python, th[scope], td[colspan], li, pre, img'
      ).length
    ).toBe(9);
    expect(host.querySelector('th')?.style.textAlign).toBe('right');
  });

  it('opens links in a tab that knows nothing of this one', () => {
    const link = clean(
      '<a href="https://example.org" target="_self" rel="opener">x</a>'
    ).querySelector('a');
    expect([link?.target, link?.rel]).toEqual(['_blank', 'noopener noreferrer']);
  });

  it('shows task lists by signs', () => {
    const html =
      '<li><input type="checkbox" checked disabled> a</li><li><input type="checkbox" disabled> b</li>';
    expect(clean(html).textContent).toBe('☑ a☐ b');
  });

  it('asks before it loads an image of another host, and remembers the host', () => {
    const html = '<img src="https://pictures.example/a.png" alt="A">';
    const host = clean(html);
    const button = host.querySelector('button');
    expect(host.querySelector('img')).toBeNull();
    expect(button?.textContent).toBe('Show image from pictures.example: A');
    button?.click();
    expect(host.querySelector('img')?.src).toBe('https://pictures.example/a.png');
    expect(host.querySelector('img')?.referrerPolicy).toBe('no-referrer');
    expect(clean(html).querySelector('img')).not.toBeNull();
    expect(clean('<img src="https://other.example/a.png">').querySelector('img')).toBeNull();
  });

  it('loads images of local artifacts unless told never to', () => {
    const html = '<img src="https://pictures.example/a.png" alt="A">';
    expect(clean(html, true).querySelector('img')).not.toBeNull();
    setRemoteImages('never');
    expect(clean(html, true).querySelector('img, button')).toBeNull();
    expect(clean(html, true).textContent).toBe('Image on pictures.example not shown: A');
  });
});

describe('safeStyle', () => {
  it.each([
    ['color: red; position: fixed', 'color: red'],
    ['background: url(x)', ''],
    ['width: 10px; behavior: url(x)', 'width: 10px'],
    ['margin: -999px', ''],
    ['display: table-cell', 'display: table-cell'],
    ['display: contents', ''],
    ['color: \\75rl(x)', ''],
    ['z-index: 9; transform: scale(9); inset: 0', '']
  ])('%s becomes %s', (text, kept) => expect(safeStyle(text).replace(/;$/, '')).toBe(kept));
});
