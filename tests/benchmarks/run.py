"""Run every benchmark beside this file, one after the other, and write what they print into docs/benchmarks.md."""

import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "benchmarks.md"


def main():
    parts = [
        "# Benchmarks",
        f"Written by `make bench` on {datetime.now(timezone.utc):%Y-%m-%d}, Python {platform.python_version()}, {platform.platform()}.",
        "Rounds of ours and of the floor or peer are interleaved in one run: trust the ratios.",
    ]
    failed = []
    for script in sorted(HERE.glob("*.py")):
        if script.name == Path(__file__).name:
            continue
        print(f"== {script.name}", flush=True)
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr if done.returncode else "", sep="\n", flush=True)
        if done.returncode:
            failed.append(script.name)
        parts += [f"## {script.stem}", f"```\n{done.stdout.strip() or 'failed'}\n```"]
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return f"failed: {', '.join(failed)}" if failed else None


if __name__ == "__main__":
    sys.exit(main())
