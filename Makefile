.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help demo test bench docs lint

help: ## say what there is to run
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

demo: ## set up what is needed, run the lab, then promote a good canary and roll a bad one back
	@scripts/setup.sh demo
	@$(PY) examples/demo.py

test: ## set up what is needed and run all tests, Rust and Python
	@scripts/setup.sh test
	@scripts/test.sh

bench: ## measure against other libraries, side by side; ARGS="--quick" or "--only NAME" for less
	@scripts/setup.sh bench
	@.bench-venv/bin/python bench/table.py $(ARGS)

lint: ## formatting, clippy and ruff, as strict as they go
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	.venv/bin/ruff check python examples bench
