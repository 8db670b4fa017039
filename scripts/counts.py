"""``counts.py FOLDER NAME …``: a line of passed and failed tests for each report; a part that did not run has failed."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def counts(report: Path) -> tuple[int, int]:
    """Passed and failed tests of a JUnit report; a skipped test has not passed."""
    try:
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 (written by our own test run)
    except (OSError, ET.ParseError):
        return 0, 1
    bad = sum(1 for case in cases if any(case.find(kind) is not None for kind in ("failure", "error", "skipped")))
    return len(cases) - bad, bad if cases else 1


def main(folder: str, *names: str) -> int:
    """Print the lines; 1 where anything failed."""
    failures = 0
    for name in names:
        passed, failed = counts(Path(folder, f"{name}.xml"))
        failures += failed
        print(f"{name}: {passed} passed, {failed} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
