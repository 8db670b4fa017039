"""The closing lines of `make test`: what did not run, or did not pass, has failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "counts.py"
FAILED = "<failure/>"


def _report(path: Path, **cases: str) -> None:
    inner = "".join(f'<testcase classname="t" name="{name}">{end}</testcase>' for name, end in cases.items())
    path.write_text(f"<testsuites><testsuite>{inner}</testsuite></testsuites>")


def _counted(folder: Path) -> tuple[str, int]:
    done = subprocess.run([sys.executable, SCRIPT, folder, "browser"], capture_output=True, text=True, check=False)
    return done.stdout.strip(), done.returncode


@pytest.mark.parametrize("end", [FAILED, "<error/>", "<skipped/>"])
def test_what_did_not_pass_has_failed(tmp_path: Path, end: str) -> None:
    _report(tmp_path / "browser.xml", good="", bad=end)
    assert _counted(tmp_path) == ("browser: 1 passed, 1 failed", 1)


@pytest.mark.parametrize("text", [None, "", "<testsuites/>", "<testsuite><testcase"])
def test_a_part_that_did_not_run_has_failed(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "browser.xml").write_text(text)
    assert _counted(tmp_path) == ("browser: 0 passed, 1 failed", 1)


def test_what_passed_at_a_second_try_is_named_and_what_did_not_stays_failed(tmp_path: Path) -> None:
    _report(tmp_path / "browser.xml", good="", late=FAILED, bad=FAILED, lost=FAILED)
    _report(tmp_path / "browser.again.xml", late="", bad=FAILED)
    assert _counted(tmp_path) == ("browser: 2 passed, 2 failed (at a second try: t::late)", 1)
    _report(tmp_path / "browser.again.xml", late="", bad="", lost="")
    assert _counted(tmp_path) == ("browser: 4 passed, 0 failed (at a second try: t::late, t::bad, t::lost)", 0)


def test_two_cases_of_one_name_count_as_two_unless_one_is_the_other_s_end(tmp_path: Path) -> None:
    case = '<testcase classname="t" name="twin">{}</testcase>'
    (tmp_path / "browser.xml").write_text(f"<testsuite>{case.format('')}{case.format('')}</testsuite>")
    assert _counted(tmp_path) == ("browser: 2 passed, 0 failed", 0)
    (tmp_path / "browser.xml").write_text(f"<testsuite>{case.format('')}{case.format('<error/>')}</testsuite>")
    assert _counted(tmp_path) == ("browser: 0 passed, 1 failed", 1)
