.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA ?= var/up
MINUTES ?= 10
MODE ?= stack
JOBS ?= 2

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install everything into .venv (done by the other targets when needed)

$(STAMP): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit("crewkit-sessions needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

run: $(STAMP) ## Serve the embedded default (one process, no services needed)
	@$(BIN)/crewkit-sessions up --data $(DATA)

stack: $(STAMP) ## Run the production shape on this machine: Kafka, store server, projectors, HTTP
	@$(BIN)/crewkit-sessions stack --data var/stack

demo: $(STAMP) ## Send 200 sessions with 50,000 events, show what came out, and prove it
	@$(BIN)/crewkit-sessions demo

chaos: $(STAMP) ## Break an installation in every way and check every number: MINUTES=10 SEED=… MODE=stack|embedded
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) --mode $(MODE) $(if $(SEED),--seed $(SEED))

fuzz: $(STAMP) ## Attack `up` with hostile requests of every kind and check every promise: MINUTES=10 SEED=… ARGS=--help
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

check: $(STAMP) ## Lint, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: check ## Run make check and every test, JOBS=2 at once; ARGS go to pytest
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup $(ARGS)

bench: $(STAMP) ## Measure; prints a table and writes var/bench.json
	@$(BIN)/python -m bench $(ARGS)

docs: $(STAMP) ## Renew the picture in the README
	@$(BIN)/crewkit-sessions demo --svg docs/demo.svg

lock: ## Renew requirements.lock from pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command "make lock" --all-extras --group dev --group build pyproject.toml --output-file requirements.lock

clean: ## Remove .venv, caches and var/
	@rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.PHONY: help setup run stack demo chaos fuzz check test bench docs lock clean
