# Two commands are enough: `make run` and `make test`. Python 3.11+, git and make are all they need.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Results may depend on nothing of the caller's: no user packages, no bytecode of other Pythons.
export PYTHONNOUSERSITE := 1

.PHONY: help run rebuild stale perf report test check lock slurm container clean

help: ## this text
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 18

run: .venv/.run ## build what is stale, prove that the rest can be rebuilt, name the report
	@$(BIN)/atlas build
	@$(BIN)/atlas reproduce
	@echo "open results/report/index.html"

rebuild: .venv/.run ## build everything again in place; `git diff` must stay empty
	@$(BIN)/atlas build --force

stale: .venv/.run ## what is stale, and why (exit 1 if anything is)
	@$(BIN)/atlas stale

perf: .venv/.run ## measure the workload cards on this machine, and gather measured/perf.csv
	@$(BIN)/snakemake perf --cores all --quiet rules --config cards="$(or $(CARDS),smoke)" $(OPTIONS)
	@echo "open measured/perf.html"

test: .venv/.dev check ## style, types, workflow lint, and all tests
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

check: .venv/.dev ## ruff, mypy, snakefmt, snakemake --lint
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check Snakefile rules
	@$(BIN)/snakemake --lint

lock: .venv/.run ## make the lock files in envs/ anew
	@$(PYTHON) scripts/bootstrap.py lock
	@$(BIN)/atlas lock

slurm: .venv/.slurm ## what submits jobs, for `snakemake --profile slurm` (docs/hpc.md)

container: containers/engine-atlas.sif ## the image for `snakemake --sdm apptainer` (needs apptainer)

clean: ## remove the environment and the tools (results and caches stay)
	@rm -rf .venv .tools

.venv/.run: envs/atlas.txt envs/uv.txt pyproject.toml scripts/bootstrap.py
	@$(PYTHON) scripts/bootstrap.py run
	@touch $@

.venv/.dev: .venv/.run envs/dev.txt
	@$(PYTHON) scripts/bootstrap.py dev
	@touch $@

.venv/.slurm: .venv/.run envs/slurm.txt
	@$(PYTHON) scripts/bootstrap.py slurm
	@touch $@

containers/engine-atlas.sif: containers/engine-atlas.def envs/atlas.txt envs/uv.txt scripts/bootstrap.py scripts/container.py
	@$(PYTHON) scripts/container.py
