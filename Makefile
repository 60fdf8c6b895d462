# Two commands do everything on a machine with Python and git: `make demo` and `make test`.
# Both set up .venv first, and again when pyproject.toml has changed.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2
DEMO_DIR ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check static bench docs format clean

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv and install runref into it, with what its tests need

$(READY): pyproject.toml
	@command -v git >/dev/null || { echo "make: git is not on PATH: install it" >&2; exit 1; }
	@if ! $(BIN)/python -c '' 2>/dev/null; then \
	    for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.10 python; do \
	        "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null \
	            && found=$$python && break; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "make: no Python 3.10 or later on PATH: install one, or make PYTHON=/path/to/it" >&2; \
	        exit 1; \
	    fi; \
	    echo "creating $(VENV) with $$($$found --version)"; \
	    "$$found" -m venv --clear $(VENV) || { \
	        echo "make: $$found has no working venv module (Debian: apt install python3-venv)" >&2; \
	        exit 1; }; \
	fi
	@echo "installing runref and what its tests need into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dev]'
	@touch $@

demo: $(READY) ## Train on a dirty tree, throw the commit away, reproduce a run (DEMO_DIR=… keeps it)
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/digits/demo.sh $(DEMO_DIR)

check: static ## What a developer runs all day: format, lint, types, layers, fast tests
	$(BIN)/python -m pytest -q -m "not slow" --hypothesis-profile quick -n $(JOBS)

test: static ## Every check and every test, with coverage (what CI runs)
	$(BIN)/python -m pytest -n $(JOBS) --cov --cov-report=term

static: $(READY)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## Measure speed and memory, each beside its floor
	$(BIN)/python benchmarks

docs: $(READY) ## Bring the documents up to date: tables, help texts, transcripts
	$(BIN)/python docs/generate

format: $(READY) ## Format the code and fix what can be fixed without thinking
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove caches and build results (.venv stays)
	rm -rf build dist htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache \
	    .hypothesis .import_linter_cache
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
