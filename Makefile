# The few verbs of this repository. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
# Named after the contents it was made from, so that a checkout with other times does not fool make.
READY := .venv/ready-$(shell cat requirements.txt pyproject.toml | cksum | cut -d' ' -f1)
BIN := .venv/bin

.PHONY: help demo test slow check format bench bench-long docs texts browser carriers screenshots soak crash lock clean

help: ## list the verbs
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(READY):
	@[ -n "$(PYTHON)" ] || { echo "Entrepot needs Python 3.11 or later on the path."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Entrepot needs Python 3.11 or later; $(PYTHON) is $$("$(PYTHON)" -V). Set PYTHON=…"; exit 1; }
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv .venv \
	  || { rm -rf .venv; echo "This Python can't make a virtual environment: install its venv package (Debian: apt install python3-venv)."; exit 1; }
	@echo "Installing what requirements.txt names into .venv (once)"
	@if command -v uv >/dev/null; then \
	  uv pip install -q --python $(BIN)/python --require-hashes -r requirements.txt && \
	  uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt && \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@rm -f .venv/ready-*; touch $@

demo: $(READY) ## a demo retailer, one trading day, and the console (DEMO_SERVE=0: end after the summary)
	@$(BIN)/entrepot demo

test: $(READY) ## the suite, a server and a worker for each core (WORKERS=1: one; page tests are skipped where there is no Chromium: `make browser`)
	@$(BIN)/python -m pytest -n $(or $(WORKERS),auto) --dist worksteal $(ARGS)

slow: $(READY) ## the checks that take too long for every run: replays, solvers, whole files, many examples, batches of a thousand
	@SCHEMA_EXAMPLES=$(or $(SCHEMA_EXAMPLES),60) MANY=$(or $(MANY),1000) $(BIN)/python -m pytest -n $(or $(WORKERS),auto) --dist worksteal --timeout 900 -m "slow or schema or many" $(ARGS)

check: $(READY) ## formatting, lint, types, the order of the rooms, migrations in step
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/entrepot manage makemigrations --check --dry-run

format: $(READY) ## format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## measure against hand-written SQL, print the table, write bench/result.json
	@$(BIN)/python -m bench $(ARGS)

bench-long: $(READY) ## what takes too long for every measurement: a wave of 1,000,000 lines, 100,000 packings
	@$(BIN)/python -m bench --long --only wave cartons $(ARGS)

texts: $(READY) ## bring the catalogs of translations in step with the texts of pages
	@$(BIN)/python -m docs.texts

docs: $(READY) ## build the documentation into docs/_build/
	@$(BIN)/python docs/build.py

screenshots: $(READY) ## a picture of every page, on a desk and a phone, into build/screenshots/, and README's four (needs Chromium)
	@$(BIN)/python -m docs.screenshots

soak: $(READY) ## random walks against the model of both ledgers, for SOAK_MINUTES (10)
	@SOAK_MINUTES=$(or $(SOAK_MINUTES),10) $(BIN)/python -m pytest -m soak --timeout 0 -s --hypothesis-profile=explore $(ARGS)

crash: $(READY) ## kill -9 of the server and the app in the middle of load, CYCLES times (20)
	@CYCLES=$(or $(CYCLES),20) $(BIN)/python -m pytest -m crash --timeout 0 $(ARGS)

browser: ## a headless Chromium for the page tests, from the system's packages
	@! command -v chromium-headless-shell >/dev/null || exit 0; \
	if [ "$$(id -u)" = 0 ]; then may=1; as=; elif sudo -n true 2>/dev/null; then may=1; as=sudo; fi; \
	command -v apt-get >/dev/null || may=; \
	install() { $$as env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$$1"; }; \
	if [ -n "$$may" ]; then $$as apt-get update -q && install chromium-headless-shell && exit 0; fi; \
	for one in chromium chromium-browser google-chrome; do ! command -v $$one >/dev/null || exit 0; done; \
	if [ -n "$$may" ]; then install chromium && exit 0; fi; \
	echo "The page tests need Chromium, and it can't be installed from here: install your system's package (Debian:"; \
	echo "chromium-headless-shell, or chromium as a whole), then run this again."; exit 1

carriers: $(READY) ## install karrio from requirements-carriers.txt into .venv, and run its tests, none of them skipped
	@if command -v uv >/dev/null; then \
	  uv pip install -q --python $(BIN)/python --require-hashes -r requirements-carriers.txt; \
	else \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-carriers.txt; \
	fi
	@CARRIERS=1 $(BIN)/python -m pytest -m carriers tests/rules/test_live_rates.py $(ARGS)

lock: $(READY) ## pin pyproject's dependencies with hashes into requirements.txt and requirements-carriers.txt (needs uv)
	@uv pip compile -q pyproject.toml --extra dev --extra solver --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header -o requirements.txt
	@uv pip compile -q --group carriers -c requirements.txt --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header -o requirements-carriers.txt

clean: ## remove what was built here (databases under the user's data folder stay)
	@rm -rf .venv build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis src/*.egg-info
