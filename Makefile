# `make run` shows the product on real data; `make test` runs every test. Both set up all they need, and are quick
# when nothing has changed. HEADLESS=1 make run stops after the listing.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

EXTENSION := nb_artifacts/labextension/static/style.js
SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) \
	labextension/package.json labextension/package-lock.json labextension/tsconfig.json labextension/build-page.mjs \
	labextension/build-widget.mjs
DEMO := .cache/demo

.PHONY: run test lint test-python test-typescript bench soak clean

run: $(VENV)/.run
	@scripts/demo.sh "$(DEMO)"

test: $(VENV)/.test labextension/node_modules/.ready
	@scripts/test.sh

lint: $(VENV)/.test labextension/node_modules/.ready
	@scripts/lint.sh

test-python: $(VENV)/.test
	@$(BIN)/python -m pytest tests -m "not browser"

test-typescript: labextension/node_modules/.ready
	@cd labextension && npm test

bench: $(VENV)/.test
	@$(BIN)/python tests/benchmarks/run.py

soak: $(VENV)/.test
	@NB_ARTIFACTS_SOAK=1 $(BIN)/python -m pytest tests/faults tests/server -q --timeout 7200

clean:
	rm -rf $(VENV) .cache build dist nb_artifacts/labextension labextension/node_modules labextension/lib

$(VENV)/bin/python:
	@scripts/venv.sh "$(PYTHON)" "$(VENV)"

$(VENV)/.node: $(VENV)/bin/python
	@scripts/node.sh "$(BIN)"
	@touch $@

labextension/node_modules/.ready: labextension/package-lock.json labextension/package.json $(VENV)/.node
	@cd labextension && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(EXTENSION): $(SOURCES) labextension/node_modules/.ready $(VENV)/.builder
	@cd labextension && npm run --silent build:prod
	@touch $@

$(VENV)/.builder: $(VENV)/bin/python
	@$(BIN)/pip install -qq "jupyter-builder>=1.2"
	@touch $@

$(VENV)/.run: pyproject.toml $(EXTENSION)
	@SKIP_JUPYTER_BUILDER=1 $(BIN)/pip install -qq -e ".[notebooks]"
	@touch $@

$(VENV)/.test: pyproject.toml $(EXTENSION)
	@SKIP_JUPYTER_BUILDER=1 $(BIN)/pip install -qq -e ".[test]"
	@scripts/browser.sh "$(BIN)"
	@scripts/postgres.sh "$(BIN)"
	@touch $@ $(VENV)/.run
