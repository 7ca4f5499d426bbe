# Beatline. `make up` runs everything on this machine; `make test` runs every check and test.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
TRACKER_SOURCES := $(shell find tracker -path tracker/node_modules -prune -o -path tracker/dist -prune -o -type f -print)
CONSOLE_SOURCES := $(shell find console -path console/node_modules -prune -o -path console/dist -prune -o -type f -print)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
ifdef DEMO
export BEATLINE_DEMO := $(DEMO)
endif

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

up: .venv/run.stamp console tracker ## Run everything here: database, collector, workers, console (DEMO=0: no demo events)
	@exec $(BIN)/python -m beatline up

test: check test-python ## Every check and test, on real services that the tests start

check: .venv/dev.stamp tests/timescale/node_modules ## Style, types, lock files, and the own checks of console and tracker
	$(BIN)/ruff format --check beatline clients collector deploy grafana workers loadtest tests
	$(BIN)/ruff check beatline clients collector deploy grafana workers loadtest tests
	$(BIN)/mypy
	cd console && npm ci --silent && npm run --silent check && npm test --silent && npm run --silent build
	cd tracker && npm ci --silent && npm run --silent check && npm test --silent && npm run --silent build

# Tests wait for a good part of their time, so one process more than there are cores.
test-python: .venv/dev.stamp tests/timescale/node_modules tests/sdks/node_modules tests/compose/node_modules .venv/sdks.stamp
	$(BIN)/python -m pytest tests --numprocesses $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist loadfile --no-loadscope-reorder

bench: .venv/dev.stamp ## Measure, and write docs/benchmarks.md
	$(BIN)/python -m loadtest.bench

loadtest: .venv/dev.stamp ## Every kind of user for a minute, answers checked; fails when anything is wrong
	$(BIN)/python -m loadtest.short

report: .venv/dev.stamp ## Measure everything, and write docs/performance.md (QUICK=1: in minutes, to try it)
	$(BIN)/python -m loadtest.performance $(if $(QUICK),--quick)

chaos: .venv/dev.stamp ## Faults under load for some minutes, then an audit (SEED=2: another plan; QUICK=1: a minute)
	$(BIN)/python -m tests.faults.chaos $(if $(SEED),--seed $(SEED)) $(if $(QUICK),--quick)

dashboards: .venv/dev.stamp ## Write Grafana's dashboards from grafana/boards
	$(BIN)/python -m grafana

console: ## Build the console, where Node is installed
	@if ! command -v npm >/dev/null; then echo "Node 20 is missing: the console is not built; the API runs without it."; \
	else $(MAKE) --silent --no-print-directory console/dist/index.html; fi

console/dist/index.html: $(CONSOLE_SOURCES)
	cd console && npm ci --silent && npm run --silent build && touch dist/index.html

tracker: ## Build the browser tracker, where Node is installed
	@if ! command -v npm >/dev/null; then echo "Node 20 is missing: the tracker is not built; the API runs without it."; \
	else $(MAKE) --silent --no-print-directory tracker/dist/tracker.js; fi

tracker/dist/tracker.js: $(TRACKER_SOURCES)
	cd tracker && npm ci --silent && npm run --silent build

tests/timescale/node_modules: tests/timescale/package-lock.json
	cd tests/timescale && npm ci --silent && touch node_modules

tests/compose/node_modules: tests/compose/package-lock.json
	cd tests/compose && npm ci --silent && touch node_modules

tests/sdks/node_modules: tests/sdks/package-lock.json
	cd tests/sdks && npm ci --silent && touch node_modules

.venv/sdks.stamp: .venv/run.stamp tests/sdks/python/old.txt tests/sdks/python/current.txt
	rm -rf .venv/sdks
	for name in old current; do $(BIN)/python -m pip install --quiet --require-hashes --target .venv/sdks/$$name \
		--requirement tests/sdks/python/$$name.txt || exit 1; done
	touch $@

env: ## Write .env with random secrets for docker-compose.yml (DOMAIN=events.example.org: for the world)
	@$(PYTHON) deploy/make_env.py $(DOMAIN)

setup: .venv/dev.stamp ## Only make the virtual environment, with everything for development

.venv/run.stamp: requirements/run.txt pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Beatline needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable . --editable ./clients/python
	touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	touch $@

PACKAGES := chromium prometheus prometheus-alertmanager caddy rabbitmq-server
packages: ## What the tests need of Debian's packages (as root)
	for name in $(PACKAGES); do command -v $$name >/dev/null || missing="$$missing $$name"; done; test -z "$$missing" || \
		{ apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends $$missing; }

LOCKED := requirements/run requirements/dev tests/sdks/python/old tests/sdks/python/current
lock: .venv/dev.stamp ## Pin the current releases of requirements/*.in, and the SDKs of tests/sdks, with hashes
	$(BIN)/python -m pip install --quiet uv
	for name in $(LOCKED); do $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		$$name.in --output-file $$name.txt; done

clean: ## Remove what was built (not the data)
	rm -rf .venv console/dist console/node_modules tracker/dist tracker/node_modules \
		tests/timescale/node_modules tests/sdks/node_modules tests/compose/node_modules

.PHONY: help up test check test-python bench loadtest report chaos dashboards console tracker env setup packages lock clean
