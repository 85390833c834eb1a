# make help lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help

TREE := .build/tree/ansible_collections/onprem/ecs
BIN := $(CURDIR)/.venv/bin
OLDEST := $(CURDIR)/.venv-oldest/bin
BENCH := $(CURDIR)/.venv-bench/bin
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -E)
export PATH := $(BIN):$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build/tree
# A locale that Ansible accepts, wherever this is run.
export LC_ALL := C.UTF-8
export PYTHONDONTWRITEBYTECODE := 1
# Tests that share nothing run side by side; who has done his half takes over from others, as some tests take a minute.
SPREAD := --numprocesses=auto --maxprocesses=4 --dist=worksteal
# What a playbook said is long enough; the unit tests cannot have it short (see pyproject.toml). Each test is named when it has ended,
# as some take minutes.
SHORT := --tb=short -vv
# See tests/setup. The bench runs without it, as users do.
lint unit integration oldest system molecule: export GC_THRESHOLD := 1000000
VERSION = $(shell sed -n 's/^version: //p' galaxy.yml)
TARBALL = .build/onprem-ecs-$(VERSION).tar.gz

.PHONY: help setup tree lock build lint sanity importer tools hosts unit integration oldest system molecule first test bench demo \
  demo-shell clean distclean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST) | awk -F': ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

setup: ## install the pinned toolchain into .venv
	@tests/setup requirements/dev.txt .venv

tree: setup ## copy the collection to where Ansible looks for it (.build/tree)
	@python tests/tree.py

lock: setup ## write the lock files anew (needs the network)
	for set in uv dev oldest bench; do uv pip compile -q --upgrade --universal --generate-hashes --no-header --no-annotate \
	  --python-version 3.11 requirements/$$set.in -o requirements/$$set.txt || exit 1; done

build: tree ## build the collection's tarball
	@ansible-galaxy collection build --force --output-path .build $(TREE) >/dev/null
	@echo "$(TARBALL)"

lint: tree ## ruff, mypy, yamllint, ansible-lint, changelog, documentation
	cd $(TREE) && ruff check . && ruff format --check .
	cd .build/tree && MYPYPATH=.:ansible_collections/onprem/ecs/tests mypy --config-file ../../pyproject.toml ansible_collections/onprem/ecs
	cd $(TREE) && yamllint --strict .
	cd $(TREE) && ansible-lint --offline --profile production --strict
	cd $(TREE) && antsibull-changelog lint
	cd $(TREE) && GIT_CEILING_DIRECTORIES="$(CURDIR)/.venv" antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=dependent --disallow-unknown-collection-refs .

sanity: setup ## ansible-test sanity
	python tests/sanity.py

importer: build ## galaxy-importer, as Galaxy runs it
	python tests/importer.py $(TARBALL)

unit: tree tools ## tests that need neither root nor hosts
	cd $(TREE) && python -m pytest $(SPREAD) tests/unit --cov --cov-report=term --cov-report=xml:"$(CURDIR)/.build/coverage.xml"

integration: tree ## every module through ansible-playbook against the emulator
	cd $(TREE) && python -m pytest $(SPREAD) tests/integration

oldest: tree hosts ## the modules, and each role alone, on the oldest supported ansible-core (root)
	@tests/setup requirements/oldest.txt .venv-oldest
	cd $(TREE) && ANSIBLE_PLAYBOOK="$(OLDEST)/ansible-playbook" python -m pytest $(SPREAD) tests/integration
	cd $(TREE) && $(ROOT) env "PATH=$$PATH" LAB_DIR="$(CURDIR)/.lab" ANSIBLE_PLAYBOOK="$(OLDEST)/ansible-playbook" python -m pytest \
	  tests/system/test_roles_alone.py

tools: setup
	@$(ROOT) env "PATH=$$PATH" LAB_DIR="$(CURDIR)/.lab" PYTHONPATH=tests python -m hosts install

hosts: tools ## make the images and packages of the test hosts (root)
	@$(ROOT) env "PATH=$$PATH" LAB_DIR="$(CURDIR)/.lab" PYTHONPATH=tests python -m hosts images

system: tree hosts ## the roles and playbooks on real systemd hosts (root)
	cd $(TREE) && $(ROOT) env "PATH=$$PATH" LAB_DIR="$(CURDIR)/.lab" python -m pytest $(SHORT) --numprocesses=2 --dist=loadfile \
	  --no-loadscope-reorder tests/system

molecule: tree hosts ## one molecule scenario for each role (root)
	cd $(TREE) && $(ROOT) env "PATH=$$PATH" LAB_DIR="$(CURDIR)/.lab" python -m pytest $(SHORT) --numprocesses=2 --maxschedchunk=1 tests/molecule

# Each of these keeps one processor busy.
first: setup
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint sanity hosts

test: first importer unit integration oldest system molecule ## everything that must hold before a landing

bench: tree hosts ## how long it takes, beside what there is otherwise (root)
	@tests/setup requirements/bench.txt .venv-bench
	cd $(TREE) && PYTHONPATH=tests python tests/bench/iam.py
	cd $(TREE) && $(ROOT) env "PATH=$$PATH" LAB_DIR="$(CURDIR)/.lab" AWS_BIN="$(BENCH)" PYTHONPATH=tests python tests/bench/fleet.py

demo: tree ## from an empty account and two bare hosts to two external instances
	@$(ROOT) env "PATH=$$PATH" LAB_DIR="$(CURDIR)/.lab" python tests/demo.py $(TREE)

demo-shell: ## look around in the demo
	@$(ROOT) env "PATH=$$PATH" LAB_DIR="$(CURDIR)/.lab" PYTHONPATH=tests python -m hosts shell demo

clean: ## stop everything and remove what was made, but for downloaded packages
	@[ ! -d .lab ] || $(ROOT) env "PATH=$$PATH" LAB_DIR="$(CURDIR)/.lab" PYTHONPATH=tests python -m hosts clean
	rm -rf .build

distclean: clean ## the downloaded packages as well
	@$(ROOT) rm -rf .lab .venv .venv-oldest .venv-bench
