# Everything a developer or operator needs, with nothing but Python 3.11+ (and Node 20 for the tests with the SDK and in a browser).

.DEFAULT_GOAL := help
SHELL := /bin/sh

# uv installs exactly what uv.lock says. Where it is absent, it is brought into .uv, out of the way of everything else.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
NODE_TESTS := tests/compat tests/oidc tests/pages
export UV_PYTHON_PREFERENCE ?= system

.PHONY: help run test lint bench

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/runtime ## install what the server needs and start it (HEXCLAVE_… variables apply)
	@exec .venv/bin/hexclave serve

# In two processes: each waits for servers half of the time. `make test ARGS="-n 0 tests/users"` runs a part of it in one.
test: .venv/development $(NODE_TESTS:=/node_modules) ## run the whole test suite, on SQLite and PostgreSQL (ARGS=… goes to pytest)
	.venv/bin/python -m pytest -n 2 --dist loadgroup $(ARGS)

lint: .venv/development ## check style, types, the dependency rule and the project's own rules
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python tools/lint_sources.py

bench: .venv/development ## measure CPU per request against a bare application (takes minutes)
	.venv/bin/python -m benchmarks

# Each mark is newer than the environment it describes; changing the lock makes it stale. Installing development tools serves `make run`, too.
.venv/runtime: pyproject.toml uv.lock | uv
	$(UV) sync --quiet --frozen --no-dev --inexact --compile-bytecode
	@touch $@

.venv/development: pyproject.toml uv.lock | uv
	$(UV) sync --quiet --frozen --compile-bytecode
	@touch $@ .venv/runtime

$(NODE_TESTS:=/node_modules): %/node_modules: %/package-lock.json
	@if command -v npm >/dev/null; then cd $* && npm ci --ignore-scripts --no-audit --no-fund && touch node_modules; \
	else echo "npm is not installed: the tests in $* will be skipped (they need Node 20)."; fi

.PHONY: uv
uv:
	@if ! $(UV) --version >/dev/null 2>&1; then ./tools/bring_uv.sh; fi
