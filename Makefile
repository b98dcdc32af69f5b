# `make help` lists the targets. CI calls `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAGE := tools/stage
TOOLS := $(VENV)/.installed
WHEEL_LIMIT := 8388608

# Tests choose their own endpoints and keys; what the machine has set must not reach them.
unexport AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3
unexport AWS_REGION AWS_DEFAULT_REGION AWS_CA_BUNDLE AWS_SKIP_SIGNATURE AWS_VIRTUAL_HOSTED_STYLE_REQUEST AWS_ALLOW_HTTP
unexport AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI
# Servers of the tests are on this machine, whatever proxy the registries need.
export NO_PROXY := 127.0.0.1,localhost,$(NO_PROXY)
export no_proxy := $(NO_PROXY)

.PHONY: help demo test lint test-rust test-python types native wheel bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: native ## generate, list, read, verify and delete a data set of each kind, on an embedded S3 server
	@$(PY) examples/demo.py

test: lint test-rust types wheel test-python ## everything: lints, Rust tests, types, the wheel, Python tests

lint: $(TOOLS) ## formatting and lints
	@$(STAGE) "rustfmt" cargo fmt --all --check
	@$(STAGE) "clippy" cargo clippy --workspace --all-targets --all-features -- -D warnings
	@$(STAGE) "rustdoc" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@$(STAGE) "ruff" $(VENV)/bin/ruff check .
	@$(STAGE) "ruff format" $(VENV)/bin/ruff format --check .

test-rust: ## Rust tests and doctests
	@$(STAGE) "Rust tests" cargo test --workspace

types: native ## type checks, and the stubs against the built module
	@$(STAGE) "mypy" $(VENV)/bin/mypy python/longshore compat/dlio_s3_rust/src examples bench python/tests
	@$(STAGE) "stubtest" env MYPYPATH=python $(PY) -m mypy.stubtest longshore

test-python: native ## Python tests, on the embedded server and on SeaweedFS and moto
	@$(STAGE) "Python tests" $(PY) -m pytest

# One build for the demo, the tests and the wheel: all use the release profile.
native: $(TOOLS) ## build the native module into .venv
	@$(STAGE) "native module" $(VENV)/bin/maturin develop --release --quiet

wheel: $(TOOLS) ## build the wheels, check their size, install them into an empty venv, and from source into another
	@rm -rf dist target/empty-venv
	@$(STAGE) "wheel" $(VENV)/bin/maturin build --release --quiet --out dist
	@$(STAGE) "compat wheel" $(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist compat/dlio_s3_rust
	@ls -l dist
	@size=$$(stat -c %s dist/longshore-*.whl 2>/dev/null || stat -f %z dist/longshore-*.whl); \
	  test "$$size" -le $(WHEEL_LIMIT) || { echo "the wheel has $$size bytes, more than $(WHEEL_LIMIT)"; exit 1; }
	@$(PYTHON) -m venv target/empty-venv
	@$(STAGE) "wheel in an empty venv" target/empty-venv/bin/python -m pip install --quiet dist/*.whl
	@cd target && empty-venv/bin/python -c 'import dlio_s3_rust, longshore; \
	  dlio_s3_rust.put("memory://wheel/", num=2, size=1000); print("installed:", longshore.__version__, longshore.list("memory://wheel/"))'
	@cd target && empty-venv/bin/longshore --version

	@rm -rf target/source-venv && $(PYTHON) -m venv target/source-venv
	@$(STAGE) "pip install ." target/source-venv/bin/python -m pip install --quiet .
	@cd target && source-venv/bin/python -c 'import longshore; print("installed from source:", longshore.__version__)'

bench: native ## measure, and record under bench/results
	@$(PY) bench/run.py

clean: ## remove what was built, .venv included
	rm -rf target dist $(VENV) python/longshore/*.so

$(TOOLS): python/requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "longshore needs Python 3.11 or newer; set PYTHON=")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(STAGE) "tools" $(PY) -m pip install --quiet --disable-pip-version-check --upgrade -r python/requirements-dev.txt
	@touch $@
