.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA ?= var/up
AGENTS ?= var/clients
MINUTES ?= 10
MODE ?= stack
JOBS ?= 3
PART ?= all
SEED_OF_DAY ?= $(shell date +%Y%m%d)
# Containers often set this. Without .pyc files `up` compiles 1,000 modules at every start.
export PYTHONDONTWRITEBYTECODE :=
# pip checks uv against the version and hashes in requirements.lock; uv then checks all other packages.
INSTALL_UV = sed -n '/^uv==/,/ via/p' requirements.lock | $(BIN)/python -m pip install --quiet \
	--disable-pip-version-check --require-hashes --requirement /dev/stdin
PYTEST = $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

help: ## List all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## Serve the embedded default: one process, no other services
	@$(BIN)/crewkit-sessions up --data $(DATA)

demo: $(STAMP) ## Send 200 sessions with 50,000 events, show the result, and verify it
	@$(BIN)/crewkit-sessions demo

stack: $(STAMP) ## Run the production layout on this machine: Kafka, store server, projectors, HTTP
	@$(BIN)/crewkit-sessions stack --data var/stack

test: $(STAMP) ## Run make check and, in parallel, a test of every promise, JOBS at once; ARGS are passed to pytest
	@$(MAKE) --no-print-directory check & \
	$(PYTEST) --part none $(ARGS); tested=$$?; \
	wait $$! && exit $$tested || { echo "make check failed, see above"; exit 1; }

test-all: check ## Run all tests with a new seed every day, including the longer proofs; for some of those: PART=mutants|model|alerts|…
	@$(MAKE) --no-print-directory parts PART=$(PART)

parts: $(STAMP)
	@HYPOTHESIS_PROFILE=many SEED_OF_DAY=$(SEED_OF_DAY) $(PYTEST) --part $(PART) --hypothesis-seed=$(SEED_OF_DAY) $(ARGS)

changed: $(STAMP) ## Run the tests that your change can affect, closest first, for 8 minutes: ARGS="--since main"
	@tests="$$($(BIN)/python -m tests.selection.changed $(ARGS))" && { test -z "$$tests" || $(PYTEST) --part none $$tests; }

test-costs: $(STAMP) ## Run all tests, and write the cost of each to tests/costs.json and docs/testing.md: needs root
	@rm -f var/costs.jsonl
	@$(PYTEST) -p tests.selection.costs --costs var/costs.jsonl $(ARGS)
	@$(BIN)/python -m tests.selection.facts var/costs.jsonl

unit: $(STAMP) ## Run the tests that start no server, with fewer examples
	@HYPOTHESIS_PROFILE=few $(PYTEST) -m "not servers and not slow" tests/unit tests/meta tests/properties client/tests $(ARGS)

integration: $(STAMP) ## Run the tests that combine real parts, and those of the public interfaces
	@$(PYTEST) tests/integration tests/contract $(ARGS)

faults: $(STAMP) ## Run the fault matrix: crashes, cut networks, full disks
	@$(PYTEST) tests/faults $(ARGS)

browser: $(STAMP) ## Run the tests of the dashboard: needs Chromium
	@$(PYTEST) dashboard/tests $(ARGS)

client: $(STAMP) ## Build the hook client's wheel in var/client, to install it on other machines
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir var/client client

clients: $(STAMP) ## Install coding agents and run them with crewkit-hook: needs npm; RECORD=1 records the runs for other tests
	@mkdir -p $(AGENTS)
	@cp client/tests/agents/package.json $(AGENTS)
	@npm install --prefix $(AGENTS) --no-audit --no-fund --loglevel error
	@AGENTS=$(abspath $(AGENTS)) $(if $(RECORD),RECORD=1) $(BIN)/python -m pytest client/tests/agents $(ARGS)

images-test: $(STAMP) ## Build the images and break them as containers: needs Docker with Compose, and debootstrap
	@IMAGES=1 $(BIN)/python -m pytest tests/images $(ARGS)

images-renew: $(STAMP) ## Pin the images of other projects to the current digests of their tags: needs Docker
	@$(BIN)/python -m devstack.image_pins

check: $(STAMP) ## Check lint, types and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP) ## Run the benchmarks, print a table and write var/bench.json
	@$(BIN)/python -m bench $(ARGS)

chaos: $(STAMP) ## Break an installation at random and check every number: MINUTES=10 SEED=… MODE=stack|embedded
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) --mode $(MODE) $(if $(SEED),--seed $(SEED))

fuzz: $(STAMP) ## Send hostile requests to `up` and check every promise: MINUTES=10 SEED=… ARGS=--help
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

docs: $(STAMP) ## Regenerate the picture of `make demo` in docs/
	@$(BIN)/crewkit-sessions demo --svg docs/demo.svg

screenshots: $(STAMP) ## Retake the pictures of the dashboard in docs/images: needs Chromium
	@$(BIN)/python -m dashboard.tests.screenshots

setup: $(STAMP) ## Install everything into .venv (other targets do this when needed)

$(STAMP): requirements.lock pyproject.toml client/pyproject.toml
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit("crewkit-sessions needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(INSTALL_UV)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip uninstall --quiet --python $(BIN)/python setuptools
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . --editable ./client
	@touch $@

lock: ## Regenerate requirements.lock from pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(INSTALL_UV)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command "make lock" --all-extras --group dev --group build pyproject.toml --output-file requirements.lock

clean: ## Remove .venv, caches and var/
	@rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.PHONY: help run demo stack test test-all parts changed test-costs unit integration faults browser client clients images-test images-renew check bench chaos fuzz docs screenshots setup lock clean
