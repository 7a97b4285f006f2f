# Everything a person does with docchat, one word each. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo run index ask test check faults fuzz load format lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8080
DOCS ?= docs
export PORT
export DOCS
export Q  # through the environment: a shell would take its backticks for commands
ifdef SITE_URL
export SITE_URL
endif

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --no-annotate

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: $(READY) ## make .venv with everything, pinned by hash
$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-build-isolation --no-deps -e .
	touch $@

demo: $(READY) ## index docs/, answer a sample question, keep serving; no key, no network
	$(BIN)/python -m scripts.serve --demo

run: $(READY) ## serve both functions on PORT, and the pages of DOCS beside them
	$(BIN)/python -m scripts.serve --docs "$$DOCS"

index: $(READY) ## index DOCS, served at SITE_URL
	$(BIN)/python -m scripts.index_docs --docs "$$DOCS"

ask: $(READY) ## ask the running server: make ask Q="How do I …?"
	@$(BIN)/python -m scripts.ask "$$Q"

test: $(READY) ## run the tests, with coverage
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --cov --cov-report=term

check: $(READY) ## lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

faults: $(READY) ## what happens when: every fault against a real server, as a table
	$(BIN)/python -m scripts.faults

fuzz: $(READY) ## generated requests from docs/openapi.yaml against a real server
	$(BIN)/python -m scripts.fuzz

load: $(READY) ## 200 streams at once, and four times too many clients: how it holds, what it costs
	$(BIN)/python -m scripts.load_test
	$(BIN)/python -m scripts.overload

format: $(READY) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(READY) ## write the hash-locked requirements anew from pyproject.toml
	$(LOCK) --all-extras -o requirements/dev.txt
	$(LOCK) --constraints requirements/dev.txt -o functions/chat/requirements.txt
	$(LOCK) --constraints requirements/dev.txt -o functions/health/requirements.txt

clean: ## remove what the targets made
	rm -rf $(VENV) .local build .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
