# `make` alone prints this file's manual: the texts behind ##.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never

# uv from the PATH, else one of our own in .tools/uv.
UV := $(or $(shell command -v uv),.tools/uv/bin/uv)
RUN := $(UV) run --frozen
# The first interpreter that is new enough and works.
PYTHON = $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do \
  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo "$$name" && break; done)

PACKAGES := contracts policy chassis intake diagnosis routing partners reporting opstap
# Each of these is checked by itself, for their modules bear the same names (test_rules, test_api).
FOLDERS := libs/*/tests services/*/tests benchmarks
POSTGRES ?= 15
# As many tests as run side by side, each on a PostgreSQL server of its own; a part that ARGS names runs alone.
WORKERS ?= 2
SHARED := -n $(WORKERS)

.PHONY: help setup demo test test-fast test-postgres-15 check docs fuzz clean

help: ## Print this manual
	@echo "Opstap. What you can make:"; echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo; echo "  make test ARGS='libs/chassis -k outbox' runs a part, without sharing it among workers (WORKERS=$(WORKERS));"
	@echo "  no Docker, no root and no PostgreSQL are needed."

setup: $(UV) ## Install everything, pinned by uv.lock, in .venv (needs Python 3.11 or later)
	@$(UV) sync --frozen --quiet

.tools/uv/bin/uv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, and there is none on the PATH"; exit 1; }
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

demo: setup ## Run the whole system on this machine, filled with a municipality's worth of made-up residents
	$(RUN) opstap demo

test: setup ## Run every test, on PostgreSQL 18 from the wheel and on Apache Kafka where Java and Maven are
	$(RUN) pytest $(or $(ARGS),$(SHARED))

test-fast: setup ## Run what tests libraries and services one by one, without Kafka: while you work
	$(RUN) pytest $(SHARED) -m "not kafka" libs services $(ARGS)

test-postgres-15: setup ## Run the tests that live on the database on PostgreSQL 15, the oldest supported
	OPSTAP_TEST_POSTGRES=$(POSTGRES) $(RUN) pytest $(SHARED) -m "not kafka" libs/chassis tests/test_embedded_postgres.py $(ARGS)

check: setup ## Lint, formatting, types and the import contracts
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) lint-imports
	$(RUN) mypy $(PACKAGES:%=-p %)
	$(RUN) mypy conftest.py tests
	@for folder in $(FOLDERS); do \
	  if compgen -G "$$folder/*.py" > /dev/null; then echo "mypy $$folder"; $(RUN) mypy "$$folder"; fi; \
	done

docs: setup ## Write the documents that are made from the code: events, AsyncAPI, OpenAPI, schemas of events and packs
	$(RUN) python -m opstap.documents

fuzz: setup ## Try a thousand random inputs on every operation (OPSTAP_FUZZ_SEED=.. tries others)
	OPSTAP_FUZZ_EXAMPLES=1000 $(RUN) pytest tests/test_api_fuzz.py $(ARGS)

clean: ## Remove what can be made again: environment, tools, caches (never data)
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
