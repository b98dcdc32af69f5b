# `make help` lists the targets. CI calls `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAGE := tools/stage
EXTENSION := examples/extension
CONSUMERS := examples/consumers
HOST := examples/embedding-host
SHARED := examples/shared-classes
SHARED_MEMBERS := base derived derived-0.23 derived-0.26 checks pair/base pair/derived
PEERS := target/peers-venv
TOOLS := $(VENV)/.installed
NODE := $(VENV)/node/.installed
NODE_LOCK := python/tests/servers/node/package-lock.json
WHEEL_LIMIT := 11500000

# Tests choose their own endpoints and keys; what the machine has set must not reach them.
unexport $(filter AWS_% AZURE_% AZURITE_% GOOGLE_% GCP_% GCS_% GCE_% GCLOUD_% CLOUDSDK_% IDENTITY_% MSI_%,$(.VARIABLES))
unexport STORAGE_EMULATOR_HOST
# Servers of the tests are on this machine, whatever proxy the registries need.
export NO_PROXY := 127.0.0.1,localhost,$(NO_PROXY)
export no_proxy := $(NO_PROXY)

.PHONY: help demo test lint test-rust test-python types docs native wheel extension consumers shared-classes embedding-host \
        check-unsafe miri soak-abi bench bench-abi bench-commands bench-share clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: native ## generate, list, read, verify and delete a data set of each kind, on an embedded S3 server
	@$(PY) examples/demo.py

test: lint test-rust types docs wheel extension consumers shared-classes embedding-host test-python ## everything: lints, Rust tests, types, the site, the wheel, Python tests

lint: $(TOOLS) ## formatting and lints
	@$(STAGE) "rustfmt" cargo fmt --all --check
	@$(STAGE) "clippy" cargo clippy --workspace --all-targets --all-features -- -D warnings
	@cp Cargo.lock $(EXTENSION)/Cargo.lock
	@$(STAGE) "rustfmt, extension" cargo fmt --manifest-path $(EXTENSION)/Cargo.toml -p harbour -p ported --check
	@$(STAGE) "clippy, extension" env CARGO_TARGET_DIR=target cargo clippy --manifest-path $(EXTENSION)/Cargo.toml --quiet -- -D warnings
	@$(STAGE) "rustfmt, consumers" rustfmt --edition 2021 --check $(wildcard $(CONSUMERS)/*.rs $(CONSUMERS)/*/src/*.rs)
	@$(STAGE) "rustfmt, host" bash -euc 'for package in pyo3_common rust; do \
	  cargo fmt --manifest-path $(HOST)/$$package/Cargo.toml --check; done'
	@$(STAGE) "clippy, host" bash -euc 'for package in pyo3_common rust; do cp Cargo.lock $(HOST)/$$package/Cargo.lock; \
	  cargo clippy --manifest-path $(HOST)/$$package/Cargo.toml --all-targets --quiet -- -D warnings; done'
	@cp Cargo.lock $(SHARED)/Cargo.lock
	@$(STAGE) "rustfmt, shared classes" cargo fmt --manifest-path $(SHARED)/Cargo.toml \
	  -p series-core -p series-base -p series-smooth -p series-checks -p pair-ffi -p pair-base -p pair-turn --check
	@$(STAGE) "clippy, shared classes" env CARGO_TARGET_DIR=target cargo clippy --manifest-path $(SHARED)/Cargo.toml --quiet -- -D warnings
# Workspaces of their own, too: what loom builds, and what is measured.
	@cp Cargo.lock bench/abi/Cargo.lock
	@for folder in crates/longshore-ffi/loom bench/abi; do \
	  $(STAGE) "rustfmt, $$folder" cargo fmt --manifest-path $$folder/Cargo.toml --check; \
	  $(STAGE) "clippy, $$folder" env CARGO_TARGET_DIR=target cargo clippy --manifest-path $$folder/Cargo.toml --quiet -- -D warnings; done
	@$(STAGE) "rustdoc" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@$(STAGE) "rustdoc, embed" env RUSTDOCFLAGS="-D warnings" cargo doc -p longshore-share --all-features --no-deps --quiet
	@$(STAGE) "ruff" $(VENV)/bin/ruff check .
	@$(STAGE) "ruff format" $(VENV)/bin/ruff format --check .

test-rust: ## Rust tests and doctests
	@$(STAGE) "Rust tests" cargo test --workspace

types: native ## type checks by mypy and pyright, and the stubs against the built module
	@$(STAGE) "mypy" $(VENV)/bin/mypy python/longshore crates/longshore-store/src compat/dlio_s3_rust/src examples bench docs python/tests
	@$(STAGE) "stubtest" env MYPYPATH=python $(PY) -m mypy.stubtest longshore
	@$(STAGE) "pyright" $(VENV)/bin/pyright --pythonpath $(PY) --warnings
# With --verifytypes, pyright finds other packages by the python on the PATH, whatever --pythonpath says.
	@$(STAGE) "complete types" env PATH="$(CURDIR)/$(VENV)/bin:$$PATH" PYTHONPATH=$(CURDIR)/python \
	  $(VENV)/bin/pyright --verifytypes longshore --ignoreexternal

docs: native ## the documentation site, in target/docs; a warning is an error
	@rm -rf target/docs
	@$(STAGE) "docs" $(PY) -m sphinx --builder html --doctree-dir target/docs-trees --fresh-env --nitpicky --fail-on-warning --quiet docs target/docs
	@echo "the first page is target/docs/index.html"

test-python: native extension consumers shared-classes $(NODE) ## Python tests, on the embedded server and on servers of others
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

# What others write, as wheels like theirs. It is a workspace of its own; with our versions of everything (its lock file is
# ours, which Cargo cuts to what is used there), our profile and our target folder, most of it is built already.
extension: $(TOOLS) ## build the extension modules of examples/extension, and install them into .venv
	@cp Cargo.lock $(EXTENSION)/Cargo.lock
	@rm -rf target/extension
	@$(STAGE) "extension" bash -euc 'export CARGO_TARGET_DIR=$(CURDIR)/target; for member in harbour ported; do \
	  $(VENV)/bin/maturin build --release --quiet --interpreter $(PY) \
	    --manifest-path $(EXTENSION)/$$member/Cargo.toml --out target/extension; done; \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall target/extension/*.whl'

consumers: $(TOOLS) ## build the extension modules of examples/consumers, each a project of its own, and install them into .venv
	@$(STAGE) "consumers" $(PY) $(CONSUMERS)/build.py "$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("platlib"))')"

# As a reader has it: .venv is active, and each package has a target folder of its own.
embedding-host: export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
embedding-host: export VIRTUAL_ENV := $(CURDIR)/$(VENV)
embedding-host: $(TOOLS) ## the Rust host of examples/embedding-host, by the commands of its readme, and its tests
	@for folder in $(HOST)/pyo3_common $(HOST)/rust $(SHARED); do cp Cargo.lock $$folder/Cargo.lock; done
	@$(STAGE) "embedding host" env -u PYO3_PYTHON python $(HOST)/check.py
	@$(STAGE) "embedding host, tests" env -u PYO3_PYTHON cargo test --quiet --manifest-path $(HOST)/rust/Cargo.toml --test provide

# Packages that share classes: built as the extension above is, and two of them with other PyO3s, which have lock files of their own.
shared-classes: $(TOOLS) ## build the packages of examples/shared-classes, and install them into .venv
	@cp Cargo.lock $(SHARED)/Cargo.lock
	@rm -rf target/shared-classes
	@$(STAGE) "shared classes" bash -euc 'export CARGO_TARGET_DIR=$(CURDIR)/target; for member in $(SHARED_MEMBERS); do \
	  $(VENV)/bin/maturin build --release --quiet --interpreter $(PY) \
	    --manifest-path $(SHARED)/$$member/Cargo.toml --out target/shared-classes; done; \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall target/shared-classes/*.whl'

check-unsafe: ## the C interface: loom, sanitizers and valgrind, each with controls that it must find
	@$(STAGE) "every order of threads" tools/check-unsafe models
	@$(STAGE) "Rust with AddressSanitizer" tools/check-unsafe addresses
	@$(STAGE) "C with sanitizers" tools/check-unsafe c
	@$(STAGE) "C beneath valgrind" tools/check-unsafe valgrind
	@$(STAGE) "Python beneath valgrind" env PYTHON=$(PYTHON) tools/check-unsafe python

miri: ## the Rust side of the C interface with Miri, where it is installed
	@$(STAGE) "miri" tools/check-unsafe miri

soak-abi: ## a million calls through the C interface, after which no more memory is in use
	@$(STAGE) "a million calls" env LONGSHORE_SOAK_CALLS=1000000 cargo test -p longshore-ffi --test ffi soak:: -- --nocapture

bench: native ## measure, and record under bench/results
	@$(PY) bench/run.py

bench-abi: ## measure what a store costs through the C interface, and record under bench/results
	@$(PYTHON) bench/abi.py

bench-commands: native ## measure the command beside rclone and the AWS command line, and record under bench/results
	@test -x $(PEERS)/bin/aws || $(PYTHON) -m venv $(PEERS)
	@$(STAGE) "other clients" $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r bench/peers.txt
	@$(PY) bench/commands.py --peers $(PEERS)/bin

bench-share: shared-classes ## measure what it costs to share a class, and record under bench/results
	@$(PY) bench/share.py

clean: ## remove what was built, .venv included
	rm -rf target dist $(VENV) python/longshore/*.so $(HOST)/*/target $(HOST)/python/*.so

$(TOOLS): python/requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "longshore needs Python 3.11 or newer; set PYTHON=")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(STAGE) "tools" $(PY) -m pip install --quiet --disable-pip-version-check --upgrade -r python/requirements-dev.txt
	@touch $@

# Servers that come from npm, in the versions of the lock file. Without npm their tests are skipped, or fail where CI=true.
$(NODE): $(NODE_LOCK) | $(TOOLS)
	@mkdir -p $(@D)
	@cp $(NODE_LOCK) $(dir $(NODE_LOCK))package.json $(@D)
	@if command -v npm >/dev/null; \
	  then $(STAGE) "test servers from npm" npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	  else echo "== npm is not installed: no Azurite"; fi
