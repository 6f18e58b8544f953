# `make demo` and `make test` need Debian 12 or 13 with git, make and ca-certificates, and root or sudo.
# Each installs what it misses; what is there is not touched. See README.md.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Debian's own python3: another one first on PATH would build against other headers.
PYTHON ?= /usr/bin/python3
# Tests wait for cards, timers and daemons more than they compute: three side by side, a file to one (docs/decisions/0009).
WORKERS ?= 3

VENV := .venv
PY := $(VENV)/bin/python

# pyscard has no wheel for Linux: it is built, once, against libpcsclite.
PACKAGES_DEMO := python3-venv python3-dev gcc swig libpcsclite-dev libpcsclite1 openssl ca-certificates
PACKAGES_TEST := $(PACKAGES_DEMO) pcscd vsmartcard-vpcd opensc mosquitto mosquitto-clients systemd systemd-container iproute2 util-linux \
  fonts-terminus-otb chromium

define system_packages
missing=()
for package in $(1); do
  state=$$(dpkg-query -W -f='$${db:Status-Status}' "$$package" 2>/dev/null || true)
  [ "$$state" = installed ] || missing+=("$$package")
done
if [ $${#missing[@]} -eq 0 ]; then
  echo "setup: system packages are there"
else
  echo "setup: installing system packages: $${missing[*]}"
  command -v apt-get >/dev/null || { echo "setup: no apt-get: install these yourself: $${missing[*]}" >&2; exit 1; }
  root=()
  if [ "$$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run this as root: apt-get install $${missing[*]}" >&2; exit 1; }
    root=(sudo)
  fi
  "$${root[@]}" apt-get -q update
  "$${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$${missing[@]}" </dev/null
fi
endef

.PHONY: help
help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

.PHONY: setup
setup: system-test $(VENV)/package.stamp ## install everything that demo and tests need
	@echo "setup: ready"

.PHONY: system-demo
system-demo:
	@$(call system_packages,$(PACKAGES_DEMO))

.PHONY: system-test
system-test:
	@$(call system_packages,$(PACKAGES_TEST))

$(PY):
	@echo "setup: making $(VENV) with $$($(PYTHON) --version)"
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "setup: Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

# The build tool comes first, from the same lock, so that pyscard is built with it and nothing escapes the hashes.
$(VENV)/lock.stamp: requirements.lock | $(PY)
	@echo "setup: installing Python packages from requirements.lock (a minute or two the first time)"
	awk '/^[a-z]/ { wanted = /^setuptools==/ } wanted' requirements.lock > $(VENV)/build.lock
	$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r $(VENV)/build.lock
	$(PY) -m pip install -qq --disable-pip-version-check --require-hashes --no-build-isolation -r requirements.lock
	touch $@

$(VENV)/package.stamp: pyproject.toml $(VENV)/lock.stamp
	@echo "setup: installing the appliance package"
	$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.PHONY: demo
demo: system-demo $(VENV)/package.stamp ## a card in, a PIN, a signature over MQTT: without hardware
	@$(VENV)/bin/appliance demo

.PHONY: test
test: setup ## the whole suite, and the coverage floors
	@PYTHONFAULTHANDLER=1 $(PY) -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=json:.coverage.json $(if $(STRICT_SKIPS),--strict-skips)
	$(PY) tests/coverage_floor.py .coverage.json

.PHONY: replay
replay: setup ## every recorded trace fed to the soft cards
	@$(PY) -m pytest tests/simulator/test_soft_replay.py

.PHONY: traces
traces: setup ## the drivers' own dialogues, recorded anew into tests/traces (look at the difference before you commit)
	@$(PY) tests/traces/record.py

# Not in the lock: it has no wheel for every Python and machine that the lock serves.
.PHONY: fuzz
fuzz: setup ## RUNS=1000000 inputs for each parser and driver of the card room
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --target build/fuzz "atheris>=3"
	PYTHONPATH=build/fuzz $(PY) tests/fuzz/fuzz_run.py --runs $(or $(RUNS),1000000)

.PHONY: typing
typing: setup ## ENTRIES=100000 codes typed with bounce, ghosts and stuck keys: read as pressed, or refused
	PYTHONPATH=. $(PY) tests/keypad/typing_kit.py $(or $(ENTRIES),100000) $(or $(SEED),2026)

.PHONY: seek
seek: setup ## the tests of properties with examples that no run has tried (TIMES=5)
	@for time in $$(seq $(or $(TIMES),5)); do \
	  $(PY) -m pytest -n $(WORKERS) -q --hypothesis-profile=seek -p no:cacheprovider $$(grep -rl hypothesis --include='test_*.py' tests) || exit 1; \
	done

.PHONY: assurance
assurance: setup ## long rounds for MINUTES=10, counted in docs/assurance.json
	@$(PY) tests/assurance/assurance.py --minutes $(or $(MINUTES),10)

.PHONY: check
check: setup ## lint, format, types
	@$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

.PHONY: fresh
fresh: ## demo and tests in new bookworm and trixie roots (root; mmdebstrap)
	@bash tests/fresh/fresh.sh

.PHONY: wiring
wiring: $(VENV)/package.stamp ## hardware/pins.toml -> appliance/default.toml and hardware/wiring.md
	@$(PY) hardware/generate.py

.PHONY: screens
screens: $(VENV)/package.stamp ## draw every screen again: goldens and the pictures of docs (look before you commit)
	@$(PY) tests/screen/redraw.py

.PHONY: journeys
journeys: $(VENV)/package.stamp ## play every pictured journey again: docs/journeys.md and its strips (look before you commit)
	@$(PY) tests/journeys/redraw_journeys.py

# No registry and no path of this machine may stand in the lock: a test holds that.
.PHONY: lock
lock: $(VENV)/package.stamp ## resolve pyproject.toml anew, for every Python and machine at once
	@$(PY) -m pip install -qq --disable-pip-version-check "uv>=0.5"
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-emit-find-links --upgrade \
	  --extra simulator --extra dev pyproject.toml --output-file requirements.lock
