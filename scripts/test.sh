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
# A front end on a busy machine can be late for a test. What failed is run once more, alone and one at a time; the counts
# name what passed only then. Any other end than "tests failed" (1) stands as it is.
browser="$limit python -m pytest tests/browser -m browser -q"
$browser $workers --junitxml="$reports/browser.xml"
ended=$?
if [ $ended -eq 1 ]; then
  echo "== browser: what failed, once more"
  $browser --last-failed --last-failed-no-failures none --junitxml="$reports/browser.again.xml"
  ended=$?
fi
[ $ended -eq 0 ] || failed=1
python scripts/counts.py "$reports" typescript python browser || failed=1
exit $failed
