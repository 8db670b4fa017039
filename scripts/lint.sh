#!/usr/bin/env bash
# Formatting, lint, types and layers of both languages.
set -euo pipefail
ruff format --check --quiet .
ruff check .
mypy
lint-imports
(cd labextension && npm run --silent lint && npx tsc --noEmit)
