#!/usr/bin/env bash
# demo.sh FOLDER: run the quickstart in a real kernel, list what it kept, open JupyterLab on it (HEADLESS=1: do not).
set -euo pipefail
folder=$1
mkdir -p "$folder"
export NB_ARTIFACTS_HOME="${NB_ARTIFACTS_HOME:-$PWD/$folder/artifacts}"
echo "Running notebooks/quickstart.ipynb in a kernel …"
jupyter nbconvert --to notebook --execute --log-level=WARN --output-dir "$folder" --output quickstart.ipynb notebooks/quickstart.ipynb
echo
jupyter artifact ls
[ "${HEADLESS:-}" = 1 ] && exit 0
echo
echo "Opening JupyterLab (Ctrl-C twice ends it) …"
exec jupyter lab "$folder/quickstart.ipynb"
