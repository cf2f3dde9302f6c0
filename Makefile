# Requires make and Rust (rustup). Every command installs its other requirements with apt-get or Homebrew; without
# these it says what is missing.
.DEFAULT_GOAL := help
.PHONY: help run watch test prove-authority lint bench screenshots build deploy clean

help: ## Lists these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Serves everything on http://127.0.0.1:7400 with a demo tenant, no AWS account needed
	@tests/acceptance/bootstrap cargo run --locked --package local

watch: ## Serves the Lambda functions, with the data of `make run` in another terminal
	@tests/acceptance/bootstrap tests/acceptance/watch.py

test: ## Runs every level: unit, integration, fuzz, third-party suites, browser
	@tests/acceptance/bootstrap tests/acceptance/run.py

prove-authority: ## Tries 200,000 random steps against the rules of docs/authority.md, optimised: about ten minutes after the build
	@tests/acceptance/bootstrap env GATEHOUSE_AUTHORITY_STEPS=200000 \
		cargo test --locked --profile proof --package tests --test it authority_model

lint: ## Checks format, lints, documentation, dependencies and the template
	@tests/acceptance/bootstrap tests/acceptance/lint.py

bench: ## Measures size and start-up of the functions and CPU per request; fails if one is over its budget
	@tests/acceptance/bootstrap cargo build --locked --profile laptop --package local
	@status=0; \
	tests/acceptance/bootstrap tests/acceptance/package.py --within-budget || status=1; \
	cargo bench --locked --profile dev --package tests --bench functions || status=1; \
	cargo bench --locked --profile dev --package tests --bench local || status=1; \
	cargo bench --locked --package tests --bench saml || status=1; \
	exit $$status

screenshots: ## Takes the screenshots of the documentation, docs/images
	@tests/acceptance/bootstrap tests/acceptance/screenshots.py

build: ## Builds the zip of every Lambda function for both processors, or one: ONLY=arm64, ONLY=x86_64
	@tests/acceptance/bootstrap tests/acceptance/package.py $(ONLY)

deploy: ## Deploys the stage dev, or another one (STAGE=prod), to the account of the AWS CLI
	@tests/acceptance/bootstrap tests/acceptance/deploy.py $(STAGE)

clean: ## Removes everything that these commands built or installed in this checkout
	@rm -rf target
