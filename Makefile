# Beatline. `make up` runs everything on this machine; `make test` runs every check and test.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
CONSOLE_SOURCES := $(shell find console -path console/node_modules -prune -o -path console/dist -prune -o -type f -print)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
ifdef DEMO
export BEATLINE_DEMO := $(DEMO)
endif

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

up: .venv/run.stamp console ## Run everything here: database, collector, workers, console (DEMO=0: no demo events)
	@exec $(BIN)/python -m beatline up

test: check test-python ## Every check and test, on real services that the tests start

check: .venv/dev.stamp tests/timescale/node_modules ## Style, types, lock files, and the console's own checks
	$(BIN)/ruff format --check beatline collector workers loadtest tests
	$(BIN)/ruff check beatline collector workers loadtest tests
	$(BIN)/mypy
	cd console && npm ci --silent && npm run --silent check && npm test --silent && npm run --silent build

test-python: .venv/dev.stamp tests/timescale/node_modules
	$(BIN)/python -m pytest tests

bench: .venv/dev.stamp ## Measure, and write docs/benchmarks.md
	$(BIN)/python -m loadtest.bench

console: ## Build the console, where Node is installed
	@if ! command -v npm >/dev/null; then echo "Node 20 is missing: the console is not built; the API runs without it."; \
	else $(MAKE) --silent --no-print-directory console/dist/index.html; fi

console/dist/index.html: $(CONSOLE_SOURCES)
	cd console && npm ci --silent && npm run --silent build && touch dist/index.html

tests/timescale/node_modules: tests/timescale/package-lock.json
	cd tests/timescale && npm ci --silent && touch node_modules

setup: .venv/dev.stamp ## Only make the virtual environment, with everything for development

.venv/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Beatline needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	touch $@

packages: ## Debian's Chromium, for the browser tests (as root)
	command -v chromium >/dev/null || { apt-get update --quiet=2 && apt-get install --quiet=2 --yes chromium; }

lock: .venv/dev.stamp ## Pin the current releases of requirements/*.in, with hashes
	$(BIN)/python -m pip install --quiet uv
	for name in run dev; do $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		requirements/$$name.in --output-file requirements/$$name.txt; done

clean: ## Remove what was built (not the data)
	rm -rf .venv console/dist console/node_modules tests/timescale/node_modules

.PHONY: help up test check test-python bench console setup packages lock clean
