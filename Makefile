# make lab · make test · make check · make lint · make bench · make clean. Everything a target needs, it sets up itself.

PLAN ?= default
FOR ?= lab
export UV_PROJECT_ENVIRONMENT ?= .venv
export UV_PYTHON_PREFERENCE ?= system
# A machine may trust an authority of its own, as companies' machines do.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= 1
endif
# Go and others refuse to work without it, and a sparse environment has none.
export HOME := $(or $(HOME),$(shell getent passwd "$$(id -u)" | cut -d: -f6))

# Containers often forbid Python's compiled files. Without them each process of the tests compiles pandas and Pulumi anew.
unexport PYTHONDONTWRITEBYTECODE

# A sparse PATH often lacks the folders for root's programs.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

MAKEFLAGS += --no-print-directory
RUN = "$$(sh tools/uv.sh)" run --no-sync --quiet
PYTEST_UNIT = $(RUN) pytest --quiet -n logical --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup tools lab test check unit slow integration shuffled mutants hasher lint audit locks bench clean hooks

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

lab: root setup tools ## Measure what SOCI does to container start, on this machine (PLAN=default or full)
	@$(RUN) sociometer run --plan "$(PLAN)"

test: setup try-tools try-browser lint hasher unit slow integration ## Lint, and run all tests

lint: setup ## Check style and types
	@$(RUN) ruff check .
	@$(RUN) ruff format --check --quiet .
	@$(RUN) mypy

check: lint ## Lint, and run the unit tests of what changed: half a minute
	@$(PYTEST_UNIT) $$($(RUN) python -m tests.support.changed)

unit: setup ## Run the quick unit tests: under a minute, no root
	@$(PYTEST_UNIT) -m "not slow" --durations=5 --durations-min=0.5 tests/unit

slow: setup ## Run the slow unit tests: what promises hold in many simulated sweeps, whole commands, other processes
	@$(PYTEST_UNIT) -m slow tests/unit

integration: setup test-environments ## Run the tests with the real tools
	@$(RUN) pytest --quiet -n 4 tests/integration

shuffled: setup ## Run the unit tests in another order each time (TIMES=1)
	@for time in $$(seq $(or $(TIMES),1)); do $(PYTEST_UNIT) -p randomly tests/unit || exit 1; done

mutants: setup ## Show which small faults in the code no test notices (an hour or more; goes on where it was ended)
	@PYTHONPATH=. $(RUN) python benchmarks/mutants.py $(if $(ONLY),--only $(ONLY))

hasher: setup ## Check and test the Go programs of the images
	@if ! go="$$($(RUN) sociometer tools path go)"; then \
	echo "The Go programs' tests were SKIPPED because Go is missing." >&2; test -z "$(SOCIOMETER_REQUIRE_LAB)"; exit; fi; \
	export GOFLAGS=-buildvcs=false GOTOOLCHAIN=local; for program in hasher probe; do \
	(cd images/$$program && "$$go" vet ./... && "$$go" test ./...) || exit 1; done

audit: setup try-tools ## Look for known vulnerabilities, unsafe code and refused licences; NOT CHECKED is no success
	@$(RUN) python -m tests.audit

locks: setup ## Write what follows from uv.lock: requirements.txt and docs/licences.md
	@$(RUN) python -m tests.audit.requirements
	@$(RUN) python -m tests.audit.licences

bench: root setup tools ## Run the benchmarks
	@for file in benchmarks/bench_*.py; do PYTHONPATH=. $(RUN) python "$$file" || exit 1; done

tools: setup ## Install the tools that are missing (FOR=lab, fargate or read)
	@$(RUN) sociometer tools install --for "$(FOR)"

hooks: setup ## Lint before each commit (pre-commit, from this project's own environment)
	@$(RUN) pre-commit install

clean: ## Remove what was made in this folder; caches, records and the registry stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist mutants
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: root try-tools try-browser
root:
	@test "$$(id -u)" = 0 || { echo "The lab needs root, for namespaces, cgroups and mounts: sudo make $(MAKECMDGOALS)" >&2; exit 3; }

# A machine that cannot have the tools (exit code 3) still runs the tests that do not need them.
try-tools: setup
	@$(RUN) sociometer tools install || { code=$$?; \
	test $$code = 3 && test -z "$(SOCIOMETER_REQUIRE_LAB)" && echo "Going on without the lab's tools." >&2 || exit $$code; }

# The report's page is tested in a real browser, which nothing else needs.
try-browser: setup
	@$(RUN) python -m tests.support.browser --install || { code=$$?; \
	test $$code = 3 && test -z "$(SOCIOMETER_REQUIRE_LAB)" && echo "Going on without a browser." >&2 || exit $$code; }

# Programs that the tests run and that need other versions than ours, each in an environment of its own in the cache.
.PHONY: test-environments
test-environments: setup
	@$(RUN) python -m tests.support.environments

setup:
	@uv="$$(sh tools/uv.sh)" && "$$uv" sync --locked --quiet
