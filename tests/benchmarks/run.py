"""Run every benchmark beside this file, or those named, and write what they print into docs/benchmarks.md.

Run: ``python tests/benchmarks/run.py [name …]``. The page is written after each, and what was not run keeps its section.
"""

import platform
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "benchmarks.md"
TOP = """# Benchmarks

Written by `make bench`. Rounds of ours and of the floor or peer are interleaved in one run: trust the ratios, not the
figures, which hang on the machine and on what else it does."""


def sections():
    """What the page says now, by the script's name."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    return {name: body.strip() for name, body in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)}


def measured(script):
    """The section of one script; None where it failed."""
    print(f"== {script.name}", flush=True)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr if done.returncode else "", sep="\n", flush=True)
    if done.returncode:
        return None
    said = (
        f"{datetime.now(timezone.utc):%Y-%m-%d}, Python {platform.python_version()}, {platform.system()} {platform.machine()}."
    )
    return f"{said}\n\n```text\n{done.stdout.strip()}\n```"


def main(*names):
    scripts = {path.stem: path for path in sorted(HERE.glob("*.py")) if path.name != Path(__file__).name}
    if unknown := set(names) - set(scripts):
        return f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(scripts)}"
    found, failed = sections(), []
    for name in names or scripts:
        if section := measured(scripts[name]):
            found[name] = section
        else:
            failed.append(name)
        PAGE.write_text("\n\n".join([TOP, *(f"## {name}\n\n{found[name]}" for name in sorted(found))]) + "\n", encoding="utf-8")
    return f"failed: {', '.join(failed)}" if failed else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
