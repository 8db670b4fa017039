#!/usr/bin/env bash
# Every test: lint and types, TypeScript, Python, browser. All parts run even if one fails; the last lines count.
set -uo pipefail
reports=.cache/reports
rm -rf "$reports" && mkdir -p "$reports"
failed=0
echo "== lint, types, layers"
scripts/lint.sh || { echo "lint, types or layers: failed"; failed=1; }
echo "== TypeScript"
(cd labextension && npx vitest run --reporter=default --reporter=junit --outputFile="../$reports/typescript.xml") || failed=1
echo "== Python"
python -m pytest tests -m "not browser and not soak" -n 2 --dist=loadfile -q --junitxml="$reports/python.xml" || failed=1
echo "== browser"
python -m pytest tests/browser -m browser -q --junitxml="$reports/browser.xml" || failed=1
python scripts/counts.py "$reports" typescript python browser || failed=1
exit $failed
