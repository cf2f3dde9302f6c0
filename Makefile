# Every command sets up what it needs; nothing is to be installed by hand but Rust (rustup) and Python 3.11.
.DEFAULT_GOAL := help
.PHONY: help run test lint bench build clean

help: ## Shows these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Serves everything on http://127.0.0.1:7400 with a demo tenant, no AWS account needed
	@cargo run --locked --package local

test: ## Runs every level: unit, integration, fuzz, third-party suites
	@tests/acceptance/bootstrap tests/acceptance/run.py

lint: ## Checks format, lints, documentation, dependencies and the template
	@tests/acceptance/bootstrap tests/acceptance/lint.py

bench: ## Measures CPU per request
	@tests/acceptance/bootstrap tests/benches/run.py

build: ## Builds every binary, optimised
	@cargo build --locked --release --workspace

clean: ## Removes everything that was built or installed here
	@rm -rf target
