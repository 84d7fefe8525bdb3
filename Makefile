# make demo: a server's life on the screen.  make test: everything that tests the project.
# Both set up what they need in .venv beside this file, once.

MAKEFLAGS += --no-print-directory
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
VENV := $(ROOT)/.venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(shell command -v python3.11 python3 python))
QUIET := --quiet --disable-pip-version-check
# A type checker finds the package where it is, also from elsewhere.
EDITABLE := --config-settings editable_mode=compat --editable

.PHONY: demo test bench generate clean

demo: $(VENV)/.demo
	@$(BIN)/ecs-fsm simulate create stop resize:fail@resize_finish rebuild delete

test: $(VENV)/.test
	cd $(ROOT) && $(BIN)/ruff check .
	cd $(ROOT) && $(BIN)/ruff format --check .
	cd $(ROOT) && $(BIN)/mypy
	cd $(ROOT) && $(BIN)/pytest

bench: $(VENV)/.bench
	@cd $(ROOT) && $(BIN)/python -m tests.bench

# Writes the modules that are derived from the tables.
generate: $(VENV)/.demo
	cd $(ROOT) && $(BIN)/python -m ecs_fsm.generate

clean:
	rm -rf $(VENV) $(ROOT)/build $(ROOT)/*.egg-info

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.python $(ROOT)/pyproject.toml
	@echo "Setting up $(VENV) (once)" >&2
	@$(BIN)/pip install $(QUIET) $(EDITABLE) $(ROOT)
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@$(BIN)/pip install $(QUIET) $(EDITABLE) '$(ROOT)[test]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@$(BIN)/pip install $(QUIET) $(EDITABLE) '$(ROOT)[test,bench]'
	@touch $@
