"""``counts.py FOLDER NAME …``: a line of passed and failed tests for each report; a part that did not run has failed.

A report ``NAME.again.xml`` is of a second try of what failed in ``NAME.xml``: what passed there has passed, and is named.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def outcomes(report: Path) -> dict[str, bool]:
    """Whether each test of a JUnit report passed, by its name; a skipped test has not."""
    try:
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 (written by our own test run)
    except (OSError, ET.ParseError):
        return {}
    found: dict[str, bool] = {}
    for case in cases:
        name = f"{case.get('classname')}::{case.get('name')}"
        bad = any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        while name in found and not bad:  # two tests of one name; a failed teardown of a test is a second case of it
            name += "'"
        found[name] = not bad
    return found


def line(folder: Path, part: str) -> tuple[str, int]:
    """The line of one part, and how many of its tests failed."""
    first, second = outcomes(folder / f"{part}.xml"), outcomes(folder / f"{part}.again.xml")
    late = [name for name, passed in first.items() if not passed and second.get(name)]
    failed = sum(not passed for passed in first.values()) - len(late) if first else 1
    words = f"{part}: {sum(first.values()) + len(late)} passed, {failed} failed"
    return f"{words} (at a second try: {', '.join(late)})" if late else words, failed


def main(folder: str, *names: str) -> int:
    """Print the lines; 1 where anything failed."""
    lines = [line(Path(folder), name) for name in names]
    print("\n".join(words for words, _ in lines))
    return 1 if any(failed for _, failed in lines) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
