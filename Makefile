# Every task of the project. `make demo` and `make test` set everything up by themselves.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
# Every commit waits for the disk: the tests' files are kept in memory where there is room for them.
MEMORY := $(shell [ -w /dev/shm ] && [ "$$(df -Pk /dev/shm | awk 'END { print $$4 }')" -gt 2000000 ] && echo /dev/shm)
PYTEST = $(if $(MEMORY),PYTEST_DEBUG_TEMPROOT=$(MEMORY)) $(BIN)/python -m pytest -n auto --dist worksteal

.PHONY: help demo test test-all check lint types chaos bench pictures clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 found; install one or run: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Installing into $(VENV); the first time this takes some minutes."
	@$(PYTHON) -m venv $(VENV)
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(READY) ## The bot against a local workspace; ARGS="--auto" plays it by itself
	$(BIN)/signoff demo $(ARGS)

test: $(READY) ## All but the long tests; COVERAGE=1 also holds branch coverage to its limit (twice as slow)
	$(PYTEST) -m "not slow" $(if $(COVERAGE),--cov --cov-report=term) $(ARGS)

test-all: $(READY) ## Every test, the long ones too
	$(PYTEST) --hypothesis-profile long $(ARGS)

check: lint types ## Everything that reads the code without running it

lint: $(READY) ## Style, banned names, one-way imports, module length
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	@awk 'FNR > 350 && !seen[FILENAME]++ { print FILENAME ": longer than 350 lines, split it by noun"; bad = 1 } END { exit bad }' \
		$$(find bot agent_runtime storage -name '*.py' -not -path '*/migrations/versions/*')

types: $(READY) ## mypy: the code strictly, the tests' names and calls
	$(BIN)/mypy

chaos: $(READY) ## Hundreds of random kills and restarts on the same files
	$(BIN)/python -m tests.chaos $(ARGS)

bench: $(READY) ## Benchmarks: ratios against a named peer in one run
	$(BIN)/python -m tests.benchmarks $(ARGS)

pictures: $(READY) ## The pictures in the documents, anew: real screens of the demo (needs Chromium)
	$(BIN)/python -m tests.browser.pictures

clean: ## Remove what make made
	rm -rf $(VENV) .signoff .mypy_cache .ruff_cache .coverage* build dist *.egg-info
