#!/usr/bin/env bash
# venv.sh PYTHON FOLDER: a virtual environment of Python 3.10 or newer.
set -euo pipefail
"$1" -c 'import sys; sys.exit(f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=…" if sys.version_info < (3, 10) else 0)'
"$1" -m venv "$2" || { echo "python3-venv is missing: install it (Debian: apt-get install python3-venv) and try again." >&2; exit 1; }
"$2/bin/python" -m pip install -qq --upgrade pip
