#!/usr/bin/env bash
# browser.sh BIN: a Chromium for the browser tests: the system's, else the distribution's, else playwright's.
set -euo pipefail
found() { PYTHONPATH=tests "$1/python" -c "from browser.chromium import program; print(program())"; }
found "$1" >/dev/null 2>&1 && exit 0
as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null; then
  $as_root apt-get update -q >/dev/null && $as_root apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core >/dev/null || true
fi
found "$1" >/dev/null 2>&1 && exit 0
"$1/playwright" install chromium || true
found "$1" >/dev/null || { echo "no Chromium: install one (Debian: apt-get install chromium) and try again." >&2; exit 1; }
