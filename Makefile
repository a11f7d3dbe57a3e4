.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help demo test bench docs lint package fuzz sanitize ways kills

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

demo: ## install what is needed and run the lab: promote a good canary, roll back a bad one, refuse a wrong one
	@scripts/setup.sh demo
	@$(PY) examples/demo.py

test: ## install what is needed and run all tests, Rust and Python
	@scripts/setup.sh test
	@scripts/test.sh

bench: ## benchmark against other libraries; ARGS="--quick" or "--only NAME" for less
	@scripts/setup.sh bench
	@.bench-venv/bin/python bench/table.py $(ARGS)

docs: ## build the documentation into site/: pages, Python reference and crates
	@scripts/setup.sh docs
	@scripts/docs.sh

lint: ## check formatting, clippy, ruff and the English of all texts
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo check --quiet --manifest-path fuzz/Cargo.toml --target-dir target/fuzz-check
	scripts/protos.sh --check
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python scripts/prose.py

package: ## build and check the wheel, the source distribution and the crates
	@scripts/package.sh

fuzz: ## run each fuzz target for ten minutes; needs cargo-fuzz and a nightly compiler
	@for target in manifest validate route image jpeg response message inference; do \
		seeds="fuzz/seeds/$$target"; dict="-dict=fuzz/istio.dict"; \
		case $$target in \
			validate) seeds=fuzz/seeds/manifest;; \
			image) seeds=crates/canary-serving/tests/data/image; dict=;; \
			jpeg) seeds=crates/canary-jpeg/tests/data; dict=;; \
			response|inference) dict=;; \
			message) seeds=crates/canary-serving/tests/data/grpc; dict=;; \
		esac; \
		mkdir -p "fuzz/corpus/$$target"; \
		cargo +nightly fuzz run -a $$target "fuzz/corpus/$$target" "$$seeds" -- $$dict \
			-max_total_time=600 -timeout=20 -rss_limit_mb=2048 -max_len=1000000 || exit 1; \
	done

sanitize: ## run the tests of arrays with the extension under AddressSanitizer; needs a nightly compiler
	@scripts/setup.sh test
	@scripts/sanitize.sh

ways: ## print the outcome of a hundred faults, by kind of target and evidence; CANARY_SENTENCES=1 prints each verdict
	@CANARY_WAYS=all cargo test --quiet --package canary-tests --test ways -- --nocapture --test-threads 1

kills: ## long search: 1000 kills and 1000 faults, on the lab and a real API server, and false rollbacks of 2000 rollouts
	@CANARY_KILLS=1000 CANARY_FAULTS=1000 CANARY_ROLLOUTS=2000 CANARY_SECONDS=3600 \
		cargo test --quiet --profile quick --package canary-tests --test kills -- --nocapture --test-threads 1
