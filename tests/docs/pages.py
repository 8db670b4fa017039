"""Pages of documentation taken apart: which blocks are run, and what a shell is said to print.

`python` blocks are cells of one kernel a page, `console` blocks lines for a shell where they begin with ``$ ``; every
other language is for reading. ``<!-- illustration -->`` before a block takes it out; ``<!-- setup … -->`` is a cell that
readers do not see. In the output of a command ``…`` stands for anything, and times and sizes for any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(
    r"^<!-- setup\n(?P<setup>.*?)^-->$"
    r"|^(?P<out><!-- illustration -->\n)?```(?P<language>\w*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_VARYING = (
    (re.compile(r"…"), r".*?"),
    (re.compile(r"\bnow\b|\b(?:under )?\d+ (?:s|min|h|days)(?: \d+ min)? ago\b"), r"(?:now|(?:under\ )?\d+\ \w+\ ago)"),
    (re.compile(r"\b\d[\d.]* k?B\b"), r"\d[\d.]*\ k?B"),
)


@dataclass
class Block:
    """One piece of a page that is run."""

    page: str
    line: int
    language: str
    body: str

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Of a console block: each command with the output that follows it."""
        parts = re.split(r"^\$ ", self.body, flags=re.MULTILINE)[1:]
        return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def blocks(page: str) -> list[Block]:
    """The blocks of a page that are run, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        language = "python" if match["setup"] is not None else match["language"]
        if language in {"python", "console"} and not match["out"]:
            body = match["setup"] if match["setup"] is not None else match["body"]
            found.append(Block(page, text.count("\n", 0, match.start()) + 1, language, body))
    return found


def pattern(expected: str) -> re.Pattern[str]:
    """What the whole output of a command has to match; spaces may be of any width."""
    parts, rest = [], expected.strip()
    while rest:
        hits = [(match.start(), match, made) for varying, made in _VARYING if (match := varying.search(rest))]
        start, match, made = min(hits, key=lambda hit: hit[0]) if hits else (len(rest), None, "")
        parts += [r"\s+".join(re.escape(word) for word in re.split(r"\s+", rest[:start])), made]
        rest = rest[match.end() :] if match else ""
    return re.compile("".join(parts), re.DOTALL)
