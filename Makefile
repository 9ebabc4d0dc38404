# Firedoor from a checkout: one virtual environment, filled from the hashed lock files under requirements/.
#
# PYTHON chooses the interpreter (3.11 or newer); VENV and PYTEST_ARGS may be given as well:
#     make test PYTHON=python3.12 WORKERS=0 PYTEST_ARGS="tests/core -x"

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
# Much of the suite waits for real systems, so two processes pay even on two cores. 0 runs it in one.
WORKERS ?= 3

BIN := $(VENV)/bin
CLEAN_PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input install
# A stamp carries the digest of what it was made from: another lock file or interpreter makes another environment.
digest = $(shell cat $(1) pyproject.toml | cksum | cut -d' ' -f1)
RUN_READY := $(VENV)/.run-$(call digest,requirements/build.txt requirements/lock.txt)
DEV_READY := $(VENV)/.dev-$(call digest,requirements/dev.txt)

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-config --custom-compile-command 'make lock'

# What runs on one machine; the clients of cloud vendors are for those who have that cloud.
RUN_EXTRAS := --extra postgres --extra slack --extra oidc --extra documents --extra examine

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-crash fuzz check house format bench docs screenshots lock lock-parts bill release clean

help:  ## List what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN_READY)  ## Show a whole incident on this machine; nothing leaves it.
	@$(BIN)/firedoor demo

test: $(DEV_READY)  ## Run every test, the slow ones too; at the end, the slowest twenty and the CPU time of all.
	@$(BIN)/python -m tests.measured --numprocesses $(WORKERS) --dist loadfile $(PYTEST_ARGS)

test-all: $(DEV_READY)  ## Run the heavy tests as well: systems that take gigabytes or minutes.
	@$(BIN)/python -m pytest -m "heavy or not heavy" $(PYTEST_ARGS)

test-crash: $(DEV_READY)  ## Kill real processes at the boundaries of the journal, and count what reached the far end.
	@$(BIN)/python -m tests.crash.matrix
	@$(BIN)/python -m tests.crash.soak

fuzz: $(DEV_READY)  ## Abuse every door, as every caller, with ugly values for FUZZ_SECONDS (600); FUZZ_SEED repeats it.
	@$(BIN)/python -m tests.fuzz

check: $(DEV_READY)  ## Check format, lint, types and the direction of imports; each of them, whatever the others say.
	@failed=; \
	$(BIN)/ruff format --check --quiet --output-format concise . || failed="$$failed format (make format repairs it)"; \
	$(BIN)/ruff check --quiet --output-format concise . || failed="$$failed lint"; \
	$(BIN)/mypy --no-error-summary || failed="$$failed types"; \
	$(BIN)/lint-imports --no-logo > $(VENV)/imports.txt || { cat $(VENV)/imports.txt; failed="$$failed imports"; }; \
	if [ -n "$$failed" ]; then echo "make check: not in order:$$failed" >&2; exit 1; fi; \
	echo "make check: format, lint, types and imports are in order"

house: $(DEV_READY)  ## Count what can be counted: files in a folder, circles of imports, types, lengths, comments.
	@$(BIN)/python -m tests.house

format: $(DEV_READY)  ## Format the code and repair what ruff can repair.
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

bench: $(DEV_READY)  ## Measure on this machine; the figures go to tests/benchmarks/results/.
	@$(BIN)/python -m tests.benchmarks

docs: $(DEV_READY)  ## Write the reference pages again and check every page.
	@if $(BIN)/firedoor docs --help > /dev/null 2>&1; then $(BIN)/firedoor docs docs/reference; fi
	@$(BIN)/python -m firedoor.steps.reference > docs/reference/steps.md
	@$(BIN)/python -m tests.contract.connectors_page
	@$(BIN)/python -m pytest tests/test_docs.py

screenshots: $(DEV_READY)  ## Take the pictures of the console in docs/images/ again; needs Chromium.
	@$(BIN)/python -m tests.browser.pictures

lock: $(DEV_READY)  ## Choose the newest versions that pyproject.toml allows and write them, with hashes, to requirements/.
	@$(COMPILE) --upgrade --group dev --all-extras pyproject.toml --output-file requirements/dev.txt
	@$(COMPILE) --upgrade --constraints requirements/dev.txt $(RUN_EXTRAS) pyproject.toml --output-file requirements/lock.txt
	@$(COMPILE) --upgrade --constraints requirements/dev.txt --group build --output-file requirements/build.txt
	@echo "make lock: requirements/ is written; run 'make bill test' before committing it"

lock-parts: $(DEV_READY)  ## Choose versions for the real systems that tests start, and write them, with hashes.
	@for wanted in requirements/parts/*.in; do \
		$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
			--no-config --custom-compile-command 'make lock-parts' $$wanted --output-file $${wanted%.in}.txt || exit 1; done

bill: $(DEV_READY)  ## Write the bill of materials (CycloneDX) that the wheel carries, from the lock file.
	@$(BIN)/python -m tests.release bill

release: $(DEV_READY)  ## Build the wheel and source archive, the same for everybody, with constraints and bill, in dist/.
	@$(BIN)/python -m tests.release

clean:  ## Remove what was made here: the virtual environment, caches and builds.
	@rm -rf $(VENV) .parts build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo "make: Firedoor needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "      Install one, or name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "make: '$(PYTHON)' cannot make a virtual environment: the package with venv and ensurepip is missing." >&2; \
		echo "      On Debian or Ubuntu: sudo apt-get install $$($(PYTHON) -c \
			'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUN_READY): | $(BIN)/python
	@echo "make: installing Firedoor into $(VENV) (about a minute, once)"
	@$(CLEAN_PIP) --require-hashes -r requirements/build.txt -r requirements/lock.txt
	@$(CLEAN_PIP) --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.run-* && touch $@

$(DEV_READY): | $(BIN)/python
	@echo "make: installing Firedoor and its test tools into $(VENV) (about a minute, once)"
	@$(CLEAN_PIP) --require-hashes -r requirements/dev.txt
	@$(CLEAN_PIP) --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.dev-* && touch $@ $(RUN_READY)
