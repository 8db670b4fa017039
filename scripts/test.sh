#!/usr/bin/env bash
# Every test: lint and types, TypeScript, Python, browser. All parts run even if one fails; the last lines count.
set -uo pipefail
reports=.cache/reports
rm -rf "$reports" && mkdir -p "$reports"
failed=0
# A part that hangs is ended (its tests then count as missing), and a worker that dies ends its part with the test's name
# instead of being replaced: pytest-xdist 3.8 can wait for ever after that.
limit=$(command -v timeout >/dev/null && echo "timeout --kill-after=30 1500")
workers="-n 2 --dist=loadfile --max-worker-restart=0"
echo "== lint, types, layers"
scripts/lint.sh || { echo "lint, types or layers: failed"; failed=1; }
echo "== TypeScript"
(cd labextension && $limit npx vitest run --reporter=default --reporter=junit --outputFile="../$reports/typescript.xml") || failed=1
echo "== Python"
$limit python -m pytest tests -m "not browser and not soak" $workers -q --junitxml="$reports/python.xml" || failed=1
echo "== browser"
$limit python -m pytest tests/browser -m browser $workers -q --junitxml="$reports/browser.xml" || failed=1
python scripts/counts.py "$reports" typescript python browser || failed=1
exit $failed
