.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help demo test bench docs lint package fuzz sanitize ways kills

help: ## say what there is to run
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

demo: ## set up what is needed, run the lab, promote a good canary, roll a bad one back, refuse a wrong one
	@scripts/setup.sh demo
	@$(PY) examples/demo.py

test: ## set up what is needed and run all tests, Rust and Python
	@scripts/setup.sh test
	@scripts/test.sh

bench: ## measure against other libraries, side by side; ARGS="--quick" or "--only NAME" for less
	@scripts/setup.sh bench
	@.bench-venv/bin/python bench/table.py $(ARGS)

docs: ## build the documentation into site/: guide, reference of Python and of the crates
	@scripts/setup.sh docs
	@scripts/docs.sh

lint: ## formatting, clippy and ruff, as strict as they go
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo check --quiet --manifest-path fuzz/Cargo.toml --target-dir target/fuzz-check
	scripts/protos.sh --check
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .

package: ## build and check all that a release publishes: the wheel, the source distribution, the crates
	@scripts/package.sh

fuzz: ## run each fuzz target for ten minutes; needs cargo-fuzz and a nightly compiler
	@for target in manifest validate route image jpeg response message; do \
		seeds="fuzz/seeds/$$target"; dict="-dict=fuzz/istio.dict"; \
		case $$target in \
			validate) seeds=fuzz/seeds/manifest;; \
			image) seeds=crates/canary-serving/tests/data/image; dict=;; \
			jpeg) seeds=crates/canary-jpeg/tests/data; dict=;; \
			response) dict=;; \
			message) seeds=crates/canary-serving/tests/data/grpc; dict=;; \
		esac; \
		mkdir -p "fuzz/corpus/$$target"; \
		cargo +nightly fuzz run -a $$target "fuzz/corpus/$$target" "$$seeds" -- $$dict \
			-max_total_time=600 -timeout=20 -rss_limit_mb=2048 -max_len=1000000 || exit 1; \
	done

sanitize: ## run the tests of arrays with the extension under AddressSanitizer; needs a nightly compiler
	@scripts/setup.sh test
	@scripts/sanitize.sh

ways: ## print what becomes of a hundred ways to be wrong, by kind of evidence; CANARY_SENTENCES=1 for what each verdict says
	@cargo test --quiet --package canary-tests --test ways -- --nocapture --test-threads 1

kills: ## search long: 1000 kills and 1000 faults, on the lab and on a real API server, and false rollbacks of 2000 rollouts
	@CANARY_KILLS=1000 CANARY_FAULTS=1000 CANARY_ROLLOUTS=2000 CANARY_SECONDS=3600 \
		cargo test --quiet --profile quick --package canary-tests --test kills -- --nocapture --test-threads 1
