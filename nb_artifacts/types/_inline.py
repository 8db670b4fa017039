"""Styles of single elements, as pandas' Styler writes them, moved from a style sheet to where they count.

A style sheet reaches the whole page, so it is never let through; a heat map without its colours says nothing. Rules for
one id each are put on that element; all others are left behind. What comes out is still sanitised.
"""

from __future__ import annotations

import re
from html import escape

_SHEET = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_RULE = re.compile(r"([^{}]{1,20000})\{([^{}]{1,2000})\}")
_ID = re.compile(r"#([\w-]{1,200})\Z")
_ATTRIBUTE = re.compile(r'\sid="([\w-]{1,200})"')


def inline_styles(text: str) -> str:
    """HTML with the rules for single ids on the elements that have them."""
    if "<style" not in text:
        return text
    rules: dict[str, str] = {}
    for sheet in _SHEET.findall(text):
        for selectors, declarations in _RULE.findall(sheet):
            for selector in selectors.split(","):
                match = _ID.match(selector.strip())
                if match:
                    rules[match.group(1)] = rules.get(match.group(1), "") + " ".join(declarations.split()) + ";"

    def styled(match: re.Match[str]) -> str:
        rule = rules.get(match.group(1))
        return f' style="{escape(rule)}"' if rule else ""

    return _ATTRIBUTE.sub(styled, _SHEET.sub("", text))
