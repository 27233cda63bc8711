# Rostrum. `make` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help demo run up down test test-deps check bench system chaos migration contracts clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Use

demo: $(VENV)/.runtime ## run the main job over HTTP, from the checkout page to the membership
	@$(BIN)/python -m services demo

run: $(VENV)/.runtime ## keep the site open with example data (PORT=8000)
	@$(BIN)/python -m services up --port $(or $(PORT),8000)

up: ## the whole site in containers, with Docker Compose; returns when it is healthy
	@deploy/compose.sh up

down: ## stop the site in containers; its data stays
	@deploy/compose.sh down

##@ Develop

test: $(VENV)/.dev ## run the tests, with RabbitMQ, PostgreSQL and Chromium where they are found (ARGS=…)
	@deploy/test-deps.sh --if-missing
	@$(BIN)/python -m pytest -m "not long" -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

test-deps: ## install RabbitMQ, PostgreSQL and Chromium from Debian packages (root)
	@deploy/test-deps.sh

check: $(VENV)/.dev ## ruff, mypy --strict, import contracts, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m shared.contracts check

bench: $(VENV)/.dev ## measure against raw baselines; a table and build/bench.json
	@$(BIN)/python -m tests.benchmarks $(ARGS)

system: $(VENV)/.dev ## the long programme, over an hour: properties, races, random kills, fuzzing, browsers, containers
	@$(BIN)/python -m pytest -m long -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

chaos: $(VENV)/.dev ## 20,000 bookings while everything is killed at random; build/chaos.json (ARGS="--bookings 2000")
	@$(BIN)/python -m tests.chaos $(ARGS)

migration: $(VENV)/.dev ## write a migration: make migration s=payment n=0002 m="what changes"
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
		&& export ROSTRUM_MODE=sandbox DATABASE_URL="sqlite:///$$folder/now.db" \
		&& $(BIN)/python -m services.$(s) migrate && $(BIN)/python -m services.$(s) revise "$(n)" "$(m)"

contracts: $(VENV)/.dev ## write snapshots and asyncapi.yaml from the event classes
	@$(BIN)/python -m shared.contracts export

clean: ## remove the virtual environment and everything built
	rm -rf $(VENV) build var .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; say which with PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock | $(VENV)/bin/python
	@echo "installing what Rostrum needs into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "installing what its tests need into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
