"""What HTML may hold: tags, attributes and styles. Anything else goes, with all it holds where that could be code."""

from __future__ import annotations

# fmt: off
TAGS = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del",
    "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
    "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "summary",
    "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "var", "wbr",
})

WITH_CONTENT = frozenset({
    "applet", "audio", "base", "canvas", "embed", "frame", "frameset", "head", "iframe", "link", "math", "meta", "noembed",
    "noframes", "noscript", "object", "param", "plaintext", "script", "select", "style", "svg", "template", "textarea",
    "title", "video", "xml", "xmp",
})
"""Tags whose content goes with them."""

_BAR = {"aria-valuenow", "aria-valuemin", "aria-valuemax", "aria-valuetext"}
_CELL = {"align", "colspan", "rowspan", "scope", "valign"}
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang", "style", "title", "role", "aria-label", "aria-hidden"},
    "a": {"href"}, "col": {"span"}, "colgroup": {"span"}, "details": {"open"}, "div": {"align", *_BAR},
    "img": {"alt", "height", "src", "width"}, "li": {"value"}, "ol": {"start", "reversed"}, "p": {"align"}, "span": _BAR,
    "table": {"border"}, "td": _CELL, "th": _CELL, "tr": {"align", "valign"},
}

NUMBERS = frozenset({"width", "height", "colspan", "rowspan", "span", "start", "value", "border"})
"""Attributes that are whole numbers."""

ROLES = frozenset({"progressbar", "img", "presentation", "note", "table", "row", "cell", "columnheader", "rowheader"})

STYLES = frozenset({
    "background-color", "border", "border-bottom", "border-bottom-color", "border-bottom-style", "border-bottom-width",
    "border-collapse", "border-color", "border-left", "border-left-color", "border-left-style", "border-left-width",
    "border-radius", "border-right", "border-right-color", "border-right-style", "border-right-width", "border-spacing",
    "border-style", "border-top", "border-top-color", "border-top-style", "border-top-width", "border-width", "box-sizing",
    "caption-side", "color", "direction", "display", "font-family", "font-size", "font-style", "font-variant", "font-weight",
    "height", "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom", "margin-left", "margin-right",
    "margin-top", "max-height", "max-width", "min-height", "min-width", "opacity", "overflow", "overflow-wrap", "overflow-x",
    "overflow-y", "padding", "padding-bottom", "padding-left", "padding-right", "padding-top", "table-layout", "text-align",
    "text-decoration", "text-indent", "text-transform", "vertical-align", "white-space", "width", "word-break",
    "word-spacing", "word-wrap",
})

DISPLAYS = frozenset({
    "block", "inline", "inline-block", "none", "table", "table-cell", "table-row", "list-item", "flex", "inline-flex", "grid",
})
# fmt: on
