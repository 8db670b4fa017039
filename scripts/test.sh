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
# A busy machine can be late for a test that waits for processes of their own. What failed is run once more, alone and one
# at a time; the counts name what passed only then. Any other end than "tests failed" (1) stands as it is, and so does an
# error of the collection.
tried() {
  local part=$1 ended
  shift
  $limit python -m pytest "$@" $workers -q --junitxml="$reports/$part.xml"
  ended=$?
  if [ $ended -eq 1 ] && ! grep -q 'message="collection failure"' "$reports/$part.xml"; then
    echo "== $part: what failed, once more"
    $limit python -m pytest "$@" -q --last-failed --last-failed-no-failures none --junitxml="$reports/$part.again.xml"
    ended=$?
  fi
  return $ended
}
echo "== Python"
tried python tests -m "not browser and not soak" || failed=1
echo "== browser"
tried browser tests/browser -m browser || failed=1
python scripts/counts.py "$reports" typescript python browser || failed=1
exit $failed
