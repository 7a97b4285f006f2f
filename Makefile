# Everything a person does with docchat, one word each. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo run index ask evaluate test check faults fuzz injection load endings bench widget deploy destroy test-infra test-docusaurus audit sbom live mutants format lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8080
DOCS ?= docs
export PORT
export DOCS
export Q  # through the environment: a shell would take its backticks for commands
ifdef SITE_URL
export SITE_URL
endif

# Half as many again as there are cores: many tests wait for a deadline, and few may come late.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() * 3 // 2)')

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --no-annotate
LOCK := $(COMPILE) pyproject.toml
TERRAFORM := terraform -chdir=infra/terraform
CHECKOV := .local/venvs/checkov
CHATKIT := .local/venvs/chatkit
AUDIT := .local/venvs/audit
MUTANTS := .local/venvs/mutants
BUDGET ?= 1.00
SAMPLE ?= 0
# What a function can be built from.
SHIPPED := functions/chat/requirements.txt functions/health/requirements.txt \
	requirements/mcp.txt requirements/chatkit.txt
RETRIEVAL := .local/venvs/retrieval
RETRIEVAL_DATA ?= ../shared/data/retrieval
ENVIRONMENTS := .local/venvs
BENCHED_PEERS := seed langchain llamaindex
BENCHED := docchat memray $(BENCHED_PEERS)


help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

# --no-deps: a lock is complete, and pip before 23.3 would look past it for the newest release of
# whatever a package asks for with an extra, and refuse that one for its hash.
define install
$(1)/pip install --quiet --no-deps --require-hashes -r $(2)
$(1)/pip check
endef

setup: $(READY) ## make .venv with everything, pinned by hash
$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(call install,$(BIN),requirements/dev.txt)
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

test: $(READY) $(CHATKIT)/.ready ## run the tests, with coverage
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder \
		--cov --cov-report=term

check: $(READY) ## lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

faults: $(READY) ## what happens when: every fault against a real server, as a table
	$(BIN)/python -m scripts.faults

fuzz: $(READY) ## generated requests from docs/openapi.yaml against a real server
	$(BIN)/python -m scripts.fuzz

injection: $(READY) ## hostile texts in every place: how many are held off, and what the guards cost
	$(BIN)/python -m scripts.injection
	$(BIN)/python -m scripts.guard_cost

load: $(READY) ## 200 streams at once, and four times too many clients: how it holds, what it costs
	$(BIN)/python -m scripts.load_test
	$(BIN)/python -m scripts.overload

endings: $(READY) ## 200 open streams: told to stop, left by their clients, keys changed, ten minutes long
	$(BIN)/python -m scripts.endings sigterm --rounds 20
	$(BIN)/python -m scripts.endings disconnect
	$(BIN)/python -m scripts.rotation
	$(BIN)/python -m scripts.soak

# Apart from .venv: ChatKit's SDK brings forty packages that nothing else needs.
$(CHATKIT)/.ready: requirements/chatkit.txt
	$(PYTHON) -m venv $(CHATKIT)
	$(call install,$(CHATKIT)/bin,requirements/chatkit.txt)
	touch $@

live: $(READY) ## ask the real Gemini the evaluation and hostile texts, for BUDGET dollars at most
	$(BIN)/python -m scripts.live --budget $(BUDGET)

mutants: $(READY) $(MUTANTS)/.ready ## break guard, retries and streams a little: do the tests notice?
	PATH="$(CURDIR)/$(MUTANTS)/bin:$$PATH" $(MUTANTS)/bin/python -m scripts.mutants --missed --sample $(SAMPLE)

# Sees what .venv has; apart from it, because it brings a terminal user interface.
$(MUTANTS)/.ready: requirements/mutants.txt $(READY)
	$(PYTHON) -m venv $(MUTANTS)
	$(call install,$(MUTANTS)/bin,requirements/mutants.txt)
	cd $(MUTANTS)/lib/python3*/site-packages && echo "$(CURDIR)/$(VENV)/lib/$$(basename $$(dirname $$PWD))/site-packages" > venv.pth
	touch $@

evaluate: $(RETRIEVAL)/.ready ## measure retrieval on the public sets, beside the quick-starts
	HF_HUB_OFFLINE=1 $(RETRIEVAL)/bin/python -m scripts.evaluate --data "$(RETRIEVAL_DATA)" \
		--embedder minilm --quick-starts

# Apart from .venv: the model that needs no key brings PyTorch, which is gigabytes.
$(RETRIEVAL)/.ready: benchmarks/retrieval/requirements.txt
	$(PYTHON) -m venv $(RETRIEVAL)
	$(call install,$(RETRIEVAL)/bin,$<)
	touch $@

bench: $(READY) $(BENCHED:%=$(ENVIRONMENTS)/bench-%/.ready) ## docchat beside its peers: start, cost of an answer, many streams, memory
	$(BIN)/python -m benchmarks.chat $(BENCH)

# An environment for each: what one peer brings would change how another one works. Compiled, as in
# the cloud, or the first start would be the only one of its kind.
$(ENVIRONMENTS)/bench-docchat/.ready: functions/chat/requirements.txt
$(ENVIRONMENTS)/bench-memray/.ready: benchmarks/chat/memray.txt
$(BENCHED_PEERS:%=$(ENVIRONMENTS)/bench-%/.ready): $(ENVIRONMENTS)/bench-%/.ready: benchmarks/chat/peers/%.txt
$(ENVIRONMENTS)/bench-%/.ready:
	$(PYTHON) -m venv --clear $(@D)
	$(call install,$(@D)/bin,$<)
	-$(@D)/bin/python -m compileall -q $(@D)/lib >/dev/null  # some ship templates named .py
	touch $@

deploy: ## make or update everything in Google Cloud, after showing it and asking
	$(TERRAFORM) init -input=false
	$(TERRAFORM) apply

destroy: ## remove everything from Google Cloud, after asking
	$(TERRAFORM) init -input=false
	$(TERRAFORM) destroy

# Prepares the stand-in providers first: two test processes must not do it at once.
test-infra: $(READY) $(CHECKOV)/.ready ## run Terraform's tests, against TERRAFORM_OFFLINE or the registry
	@if [ -n "$$TERRAFORM_OFFLINE" ]; then \
		for seven in 0 1; do GOOGLE_7=$$seven "$$TERRAFORM_OFFLINE/setup.sh" >/dev/null; done; fi
	DOCCHAT_TEST_INFRA=1 CHECKOV="$(CURDIR)/$(CHECKOV)/bin/checkov" \
		$(BIN)/python -m pytest tests/infra --timeout 900 --numprocesses auto --dist loadfile

test-docusaurus: $(READY) ## build docs/ with Docusaurus and the widget's plugin, and ask in a browser
	DOCCHAT_TEST_DOCUSAURUS=1 $(BIN)/python -m pytest tests/widget/test_docusaurus_build.py

# Apart from .venv: checkov pins old versions of what the tests need.
$(CHECKOV)/.ready: requirements/checkov.txt
	$(PYTHON) -m venv $(CHECKOV)
	$(call install,$(CHECKOV)/bin,requirements/checkov.txt)
	touch $@

audit: $(AUDIT)/.ready ## known vulnerabilities in whatever is locked; asks PyPI
	set -e; for lock in $(SHIPPED) requirements/tools.txt requirements/dev.txt; do \
		echo "$$lock"; $(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r "$$lock"; done

sbom: $(AUDIT)/.ready ## what the functions are made of, as CycloneDX, in build/sbom
	mkdir -p build/sbom
	set -e; for lock in $(SHIPPED); do \
		sbom="build/sbom/$$(echo "$${lock%.txt}" | tr / -).cdx.json"; echo "$$sbom"; \
		$(AUDIT)/bin/python -W ignore -m cyclonedx_py requirements --output-reproducible \
			--pyproject pyproject.toml -o "$$sbom" "$$lock"; done

# Apart from .venv: they need other versions of what the tests need.
$(AUDIT)/.ready: requirements/audit.txt
	$(PYTHON) -m venv $(AUDIT)
	$(call install,$(AUDIT)/bin,requirements/audit.txt)
	touch $@

widget: ## build widget/dist from its sources, and print its size and integrity hash
	cd widget && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build

format: $(READY) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(READY) ## write the hash-locked requirements anew from pyproject.toml
	$(LOCK) --all-extras -o requirements/dev.txt
	$(LOCK) --constraints requirements/dev.txt -o functions/chat/requirements.txt
	$(LOCK) --constraints requirements/dev.txt -o functions/health/requirements.txt
	$(LOCK) --extra tools --constraints requirements/dev.txt -o requirements/tools.txt
	$(LOCK) --extra mcp --constraints requirements/dev.txt -o requirements/mcp.txt
	cp requirements/mcp.txt requirements/chatkit.txt  # what it has, uv keeps if it can
	$(COMPILE) pyproject.toml requirements/chatkit.in --extra mcp -o requirements/chatkit.txt
	$(COMPILE) requirements/checkov.in -o requirements/checkov.txt
	$(COMPILE) requirements/audit.in -o requirements/audit.txt
	$(COMPILE) requirements/mutants.in --constraints requirements/dev.txt -o requirements/mutants.txt
	$(COMPILE) pyproject.toml benchmarks/retrieval/requirements.in --extra tools \
		--constraints requirements/dev.txt -o benchmarks/retrieval/requirements.txt
	$(COMPILE) benchmarks/chat/memray.in -o benchmarks/chat/memray.txt
	for peer in $(BENCHED_PEERS); do \
		$(COMPILE) benchmarks/chat/peers/$$peer.in -o benchmarks/chat/peers/$$peer.txt || exit; done

clean: ## remove what the targets made
	rm -rf $(VENV) .local build .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
