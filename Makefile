# `make help` lists the targets. CI calls `make test`.
.DEFAULT_GOAL := help
STAGE := tools/stage

.PHONY: help test lint test-rust

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

test: lint test-rust ## build, then lints and all tests

lint: ## formatting and lints
	@$(STAGE) "rustfmt" cargo fmt --all --check
	@$(STAGE) "clippy" cargo clippy --workspace --all-targets --all-features -- -D warnings

test-rust: ## Rust tests
	@$(STAGE) "Rust tests" cargo test --workspace
