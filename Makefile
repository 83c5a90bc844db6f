# `make` lists the targets. Each is safe to repeat.
SHELL := /bin/bash
UV_VERSION := 0.13.9
SECANTUS_VERSION := 0.5.3-beta.196
BIN := .venv/bin
CACHE := $(or $(PRAVAH_CACHE),$(HOME)/.cache/pravah)
SOURCES := shared/src services/enrollment/src services/progress/src services/certificate/src services/notification/src cli/src bench
PACKAGES := shared services/enrollment services/progress services/certificate services/notification cli
IMAGES := services/enrollment services/progress services/certificate services/notification cli
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-package pravah-shared

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format docs bench store-rs faults lock

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install everything into .venv and the cache; says what it does
	@UV_VERSION=$(UV_VERSION) PACKAGES="$(PACKAGES)" deploy/local/setup.sh

demo: setup ## Run a learning week end to end and watch it (ARGS="--learners 500")
	@$(BIN)/pravah demo $(ARGS)

test: setup ## Run all tests on real parts (ARGS="-k name")
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

check: setup ## Format, lint, types, imports, contracts, manifests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(SOURCES) conftest.py
	@for tests in $(addsuffix /tests,$(PACKAGES)) tests; do $(BIN)/mypy $$tests || exit 1; done
	$(BIN)/lint-imports
	$(BIN)/python -m pravah_shared.contracts check
	tools/asyncapi/check.sh
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/kubernetes-validate --strict --quiet $(filter-out %/kustomization.yaml,$(wildcard deploy/k8s/base/*.yaml))

format: ## Put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## Regenerate contracts/ and what is generated in docs/
	$(BIN)/python -m pravah_shared.contracts write
	$(BIN)/python -m pravah_cli.papers.settings_table docs/operate.md
	$(BIN)/python -m pravah_shared.telemetry.metrics_page docs/metrics.md

bench: setup build/bench/installed ## Print the measured table, write bench/results.json (ARGS=--quick)
	@$(BIN)/python -m bench $(ARGS)

build/bench/installed: bench/requirements.lock # the peers, apart: their needs are not ours
	@echo "[bench] installing what ours is measured beside into build/bench"
	@$(BIN)/uv venv -q --allow-existing --python $(BIN)/python build/bench
	@$(BIN)/uv pip sync -q --python build/bench/bin/python --require-hashes $<
	@touch $@

faults: setup ## Break progress on purpose and prove what must hold (MINUTES=30 SEED=7 for a long run)
	@PYTHONPATH=tests/support $(BIN)/python -m faulting $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

store-rs: ## Build secantusd-rs, a fast development store (Rust, about 10 minutes)
	@command -v cargo >/dev/null || { echo "store-rs needs cargo: install Rust from https://rustup.rs"; exit 1; }
	cargo install secantus-mdb --version $(SECANTUS_VERSION) --ignore-rust-version --root $(CACHE)/secantus

lock: ## Recompile the lock files (versions and hashes, no addresses)
	$(COMPILE) pyproject.toml --extra dev $(addsuffix /pyproject.toml,$(PACKAGES)) -o requirements.lock
	$(COMPILE) pyproject.toml --extra bench -o bench/requirements.lock
	@for image in $(IMAGES); do \
	  echo "$$image/requirements.lock"; \
	  $(COMPILE) -c requirements.lock shared/pyproject.toml $$image/pyproject.toml -o $$image/requirements.lock || exit 1; \
	done
