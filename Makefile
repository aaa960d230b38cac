# Needs Python >= 3.11 with venv, and make. Python packages are installed into this folder, by hash.
PYTHON ?= python3

# What Python compiles is kept, whatever the caller says: else each of the many processes of a test run compiles it anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test unit coverage programs faults bench alerts-report fuzz soak image image-test sbom lint format docs docs-site chart dashboards pictures lock clean

PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
LOCKED := $(PIP_INSTALL) --require-hashes
COMPILE := .cache/uv/bin/uv pip compile --quiet --no-config --cache-dir .cache/uv-cache --universal \
	--python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

# Options for demo, for pytest and for the alert report: make demo ARGS='--web.listen-address=:8080'
ARGS ?=

demo: .venv/.runtime ## Run the exporter on a simulated SageMaker, no AWS account needed
	@.venv/bin/python -m exporter demo $(ARGS)

# Which tests: make test TESTS=tests/fleet ARGS='-k delta'
TESTS ?=
PYTEST := .venv/bin/python -m pytest --numprocesses auto --dist loadgroup
# The folders whose tests start no program and wait for no time to pass.
UNIT := tests/config tests/exposition tests/fleet tests/recording tests/simulator tests/tuning_job

test: lint programs ## Check the code, then run every test, or those that TESTS and ARGS name
	@$(PYTEST) -m 'not slow' $(TESTS) $(ARGS)

unit: .venv/.dev ## Run the quick tests, or those that TESTS and ARGS name; installs nothing outside .venv
	@CI= $(PYTEST) --quiet -m 'not slow and not long' $(or $(TESTS),$(UNIT)) $(ARGS)

programs: .venv/.dev .venv-peers/.installed .venv-site/.installed
	@tools/install-debian
	@.venv/bin/python tools/helm_chart/install.py

coverage: programs ## Run every test and tell which lines and branches of the exporter none reaches (takes twice as long)
	@$(PYTEST) -m 'not slow' --cov --cov-report=term --cov-report=html:build/coverage $(ARGS)

faults: .venv/.dev ## Break AWS in every way and print what the exporter made of it
	@.venv/bin/python -m pytest --quiet --capture=no tests/faults

lint: .venv/.dev ## Check format, style, types and the direction of imports
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/mypy --config-file tests/mypy.ini
	@.venv/bin/lint-imports

format: .venv/.dev ## Format the code and repair what can be repaired
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

docs: .venv/.dev ## Renew the pages under docs/ that are made from the code
	@.venv/bin/python tools/make_docs.py

SEEDS ?= 3001 3002 3003 3004 3005 3006 3007 3008

# Only these seeds, and nothing else, go into docs/alerts.md.
REPORTED := $(and $(filter file,$(origin SEEDS)),$(if $(ARGS)$(TRACES)$(RECORDINGS),,yes))

alerts-report: .venv/.dev ## Replay fleets, those in TRACES and RECORDINGS too, before the alert rules and print what they found (15 minutes)
	@tools/install-debian
	@PYTHONPATH=tests:tools .venv/bin/python -m replay $(strip $(if $(TRACES),--traces $(TRACES)) $(ARGS) $(if $(REPORTED),--docs) $(SEEDS) $(if $(RECORDINGS),--recordings $(RECORDINGS)))

docs-site: .venv-site/.installed ## Build the documentation as a site in build/site; a dead link is an error
	@NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs build --strict --quiet

chart: .venv/.dev ## Renew the chart's README and the schema of its values
	@PYTHONPATH=tools .venv/bin/python -m helm_chart.make

dashboards: .venv/.dev ## Renew the Grafana dashboards of the chart
	@PYTHONPATH=tools .venv/bin/python -m grafana

soak: .venv/.dev ## Trouble an exporter for 30 simulated days, then for an hour, and check all it says (90 minutes; ARGS=fast: 30)
	@PYTHONPATH=tests .venv/bin/python -m soak $(ARGS)

# For fuzz: the targets, and for how long or with how many cases each; a minute if neither is given.
TARGETS ?=
SECONDS ?=
CASES ?=

fuzz: .venv/.fuzz ## Attack each way into the exporter, or TARGETS, for SECONDS or with CASES each (5 minutes)
	@PYTHONPATH=tests .venv/bin/python -m fuzz $(strip $(if $(SECONDS),--seconds $(SECONDS)) $(if $(CASES),--cases $(CASES)) $(ARGS) $(TARGETS))

bench: .venv/.dev ## Measure what the exporter costs beside what one would use instead (an hour)
	@.venv/bin/python -m bench

image: .venv/.runtime ## Build the container image with buildah
	@.venv/bin/python tools/image_build.py

image-test: .venv/.dev .venv-peers/.installed ## Build the image on a stand-in for its base, run it and measure
	@tools/install-debian image
	@.venv/bin/python -m pytest --quiet tests/image -m slow

sbom: .venv/.dev ## Write the bill of materials of the locked dependencies
	@mkdir -p build
	@.venv/bin/python tools/sbom.py >build/sbom.cdx.json

lock: .cache/uv/bin/uv ## Renew the lock files to the newest releases
	@.cache/uv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(COMPILE) - --output-file locks/build.txt >/dev/null
	@$(COMPILE) pyproject.toml --output-file locks/runtime.txt >/dev/null
	@$(COMPILE) pyproject.toml --group dev --constraint locks/runtime.txt --output-file locks/dev.txt >/dev/null
	@$(COMPILE) --group peers --output-file locks/peers.txt >/dev/null
	@$(COMPILE) --group site --output-file locks/site.txt >/dev/null
	@$(COMPILE) --group fuzz --output-file locks/fuzz.txt >/dev/null
	@! grep -n '://' locks/*.txt || { echo "a lock file holds an address" >&2; exit 1; }
	@grep -c '==' locks/*.txt

clean: ## Remove everything that was installed, built or cached here
	@rm -rf .venv .venv-peers .venv-site .cache build dist *.egg-info .hypothesis .*_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip comes last into a new environment, so that an interrupted one is made anew.
.venv/bin/pip .venv-peers/bin/pip .venv-site/bin/pip .cache/uv/bin/pip: %/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "$(PYTHON) is not Python 3.11 or newer; name one that is: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@rm -rf $*
	@$(PYTHON) -m venv $*

.venv/.runtime: locks/build.txt locks/runtime.txt pyproject.toml exporter/__init__.py | .venv/bin/pip
	@echo "Installing the exporter into .venv"
	@.venv/bin/python $(LOCKED) -r locks/build.txt -r locks/runtime.txt
	@.venv/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: locks/dev.txt .venv/.runtime
	@echo "Installing the development tools into .venv"
	@.venv/bin/python $(LOCKED) -r locks/dev.txt
	@touch $@

.venv/.fuzz: locks/fuzz.txt .venv/.dev
	@.venv/bin/python $(LOCKED) -r locks/fuzz.txt
	@touch $@

.venv-peers/.installed: locks/peers.txt | .venv-peers/bin/pip
	@echo "Installing the programs that the tests talk to into .venv-peers"
	@.venv-peers/bin/python $(LOCKED) -r locks/peers.txt
	@touch $@

.venv-site/.installed: locks/site.txt | .venv-site/bin/pip
	@echo "Installing what builds the site into .venv-site"
	@.venv-site/bin/python $(LOCKED) -r locks/site.txt
	@touch $@

.cache/uv/bin/uv: | .cache/uv/bin/pip
	@.cache/uv/bin/python $(PIP_INSTALL) uv
