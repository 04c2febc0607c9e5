# Firstword: `make run` and `make test` build what they need in .venv; only Python 3.11 or newer is assumed.

VENV := .venv
BIN := $(VENV)/bin
CACHE := $(CURDIR)/.cache
OUT ?= runs/quickstart-$(shell date +%Y%m%d-%H%M%S)
ARGS ?=
PYTEST_ARGS ?= -n 2 --dist loadfile

# Compiled programs are kept between runs, and nothing is written outside this folder.
export JAX_COMPILATION_CACHE_DIR ?= $(CACHE)/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0.3
export MPLCONFIGDIR ?= $(CACHE)/matplotlib
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup run test test-slow lint format bench figures clean
.DEFAULT_GOAL := help

help:
	@echo "make setup    build $(VENV)"
	@echo "make run      evolve the built-in quickstart world, then report on it"
	@echo "make test     run the tests"
	@echo "make test-slow  the tests that take minutes"
	@echo "make lint     ruff and mypy"
	@echo "make bench    measure speed"
	@echo "make figures  make the pictures and tables of docs/ again"
	@echo "make clean    remove $(VENV) and caches; runs/ stays"

setup: $(VENV)/run.stamp

$(BIN)/python:
	@set -e; \
	for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3 python3.14 python; do \
	    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "building $(VENV) with $$("$$candidate" --version)"; \
	        exec "$$candidate" -m venv --clear $(VENV); \
	    fi; \
	done; \
	echo "Firstword needs Python 3.11 or newer with venv, and found none on the PATH." >&2; \
	echo "Install one (for example: apt install python3 python3-venv), or name yours: make PYTHON=/path/to/python3.12" >&2; \
	exit 1

$(VENV)/run.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[es,rl]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/run.stamp $@

run: $(VENV)/run.stamp
	$(BIN)/firstword run quickstart --out $(OUT) $(ARGS)
	$(BIN)/firstword analyse $(OUT)

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-slow: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/run.stamp
	$(BIN)/firstword bench world
	$(BIN)/firstword bench neat
	$(BIN)/firstword bench life
	$(BIN)/firstword bench rl

figures: $(VENV)/run.stamp
	@if [ -e experiments/figures.py ]; then $(BIN)/python -m experiments.figures; fi

clean:
	rm -rf $(VENV) .cache .pytest_cache .hypothesis .mypy_cache .ruff_cache build *.egg-info
