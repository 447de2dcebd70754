# The two commands of the README are `make run` and `make test`; `make help` lists the others.
SHELL := /bin/bash
PYTHON ?= python3
PIP := $(wildcard deploy/bootstrap/pip-*.whl)/pip
BIN := .venv/bin

.PHONY: help run test lint format lock messages bench clean
.DEFAULT_GOAL := help

help: ## What can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Debian splits the installer off Python; the wheel in deploy/bootstrap is all that is needed instead.
.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	@echo "Installing what the platform needs into .venv (about half a minute) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@set -o pipefail; $(BIN)/python $(PIP) install --disable-pip-version-check --no-warn-script-location \
		--root-user-action ignore --progress-bar off --require-hashes -r requirements.txt \
		| sed -un -E 's/^Collecting ([^ ]+).*/  \1/p; /^(Installing|Successfully)/s/(packages:|installed).*/\1 …/p'
	@touch $@

run: .venv/installed ## The whole platform with its demo; Ctrl-C ends it
	@exec $(BIN)/python -m weilidai.run

test: .venv/installed ## All checks and tests, on SQLite and on a throw-away PostgreSQL
	@exec $(BIN)/python -m tests.run

lint: .venv/installed ## Style and types only
	@exec $(BIN)/python -m tests.run --checks

format: .venv/installed ## Put the code in form
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: .venv/installed ## requirements.in → requirements.txt, with hashes
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python $(PIP) install --quiet uv
	@$(BIN)/python -m uv pip compile --python-version 3.11 --generate-hashes --quiet requirements.in -o requirements.txt

openapi: .venv/installed ## docs/openapi.yaml from the code
	@$(BIN)/python manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn

messages: .venv/installed ## Texts to translate (needs gettext)
	@$(BIN)/python manage.py makemessages -l zh_Hans --no-location -i .venv -i var

bench: .venv/installed ## The benchmarks, as ratios
	@exec $(BIN)/python manage.py bench

clean: ## Forget the environment and the demo's state
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache
