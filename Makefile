# make report   environment, pipeline on config.yaml, prints where the report is
# make test     environment, then all checks and tests
# make test-fast     the inner loop: lint, and the unit tests that take no second
# make plan     how much there is to do, before anything runs
# make status   what is done, running, failed (why, and where the log is) or missing
# make test-slurm    only the tests on a real SLURM cluster on this machine (Debian's packages, root)
# make reliability   faults and fuzzing at length, about an hour; writes docs/reliability.md
# make bench    speed compared with common alternatives; SIZE=full, DATA_ROOT=folder of MNIST
# make rivals   other tools into build/rivals, which make bench then measures, too; nothing of the environment changes
# make bench-check   fails where a speed-up fell below half of the one that was recorded
# make reproduction-docs STUDY=mnist-core COMMAND="snakemake ..."   docs/reproduction.md from that study's finished run;
#                                     OUTPUT and FINDINGS name another page and the notes that end it
# make config   the JSON schema of the configuration and docs/tables.md anew, after a change of its sections or of tables

PYTHON ?= python3
CORES ?= $(shell $(PYTHON) -c "import os; print(len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count())")
BIN := .venv/bin
READY := .venv/.ready

# Snakemake keeps a cache below the home; where none can be written, here.
ifeq ($(XDG_CACHE_HOME)$(shell test -w "$$HOME" && echo writable),)
report plan status lint: export XDG_CACHE_HOME = $(CURDIR)/.snakemake/cache-home
endif

.PHONY: report test every-test lint types test-fast test-slurm reliability check plan status bench rivals bench-check config lock clean

report: $(READY)
	$(BIN)/snakemake --cores $(CORES) --logger nodescope --rerun-incomplete
	@echo "Report: reports/index.html"

plan: $(READY)
	@$(BIN)/snakemake plan --cores $(CORES) --quiet all

status: $(READY)
	@$(BIN)/snakemake status --cores 1 --quiet all

# One process more than there are cores, since tests of whole runs wait for programs that they start. A file is run by one
# process; those that take longest come first, so that all processes end together.
LONGEST_FIRST := tests/slurm tests/faults/test_kills.py tests/workflow tests/faults tests/browser tests/fuzz tests/real tests/unit
WORKERS ?= $(shell $(PYTHON) -c "print(min($(CORES), 8) + 1)")

test: lint
	+$(MAKE) --jobs 2 types every-test

every-test: $(READY)
	$(BIN)/python -m pytest $(LONGEST_FIRST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-fast: $(READY)
	$(BIN)/ruff check --quiet .
	$(BIN)/python -m pytest tests/unit -n auto --maxprocesses 8 --dist worksteal -m "not slow" -q

test-slurm: $(READY)
	$(BIN)/python -m pytest tests/slurm

reliability: $(READY)
	NODESCOPE_LONG=1 $(BIN)/python -m pytest tests/faults tests/fuzz tests/slurm tests/unit/test_checkpoints.py tests/unit/test_integrity.py \
	  tests/unit/test_array_door.py tests/unit/test_torchvision_layers.py

check: lint types

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint

types: $(READY)
	$(BIN)/mypy

SIZE ?= quick
DATA_ROOT ?= data

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r benchmarks/requirements.lock
	$(BIN)/python benchmarks/run.py --size $(SIZE) --data-root $(DATA_ROOT)

rivals: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target build/rivals -r benchmarks/rivals.lock

bench-check: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r benchmarks/requirements.lock
	$(BIN)/python benchmarks/run.py --size quick --check

STUDY ?= mnist-core
RESULTS ?= results
OUTPUT ?= docs/reproduction.md
FINDINGS ?= docs/reproduction_findings.md
COMMAND ?= snakemake --cores $(CORES) --configfile presets/dissertation-core.yaml

reproduction-docs: $(READY)
	$(BIN)/python -m nodescope.report.reproduction --study $(STUDY) --results $(RESULTS) --command "$(COMMAND)" --output $(OUTPUT) --findings $(FINDINGS)

config: $(READY)
	$(BIN)/python -m nodescope.config.documentation
	$(BIN)/python -m nodescope.report.tables_page

# uv is used where it is installed; it is faster and does the same. Python compiles what is imported: all that is installed
# would take a minute more. The last command imports most of what is used, and compiles with numba.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'nodescope needs Python 3.11 or newer; this is ' + sys.version.split()[0] + '. Hint: make PYTHON=python3.12 ...')"
	@echo "Creating the environment in .venv (PyTorch is large: some minutes, about 6 GB) ..."
	$(PYTHON) -m venv .venv
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock; \
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -c "import altair, sklearn.linear_model, snakemake.cli, torchvision; \
	  from nodescope.analyses import patterns; from nodescope.numerics import kernel_density; from nodescope.recording import summarising; \
	  [module.compile_ahead() for module in (kernel_density, patterns, summarising)]"
	@touch $(READY)

# Needs uv; the lock names versions and hashes, and no index.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --extra test pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .snakemake
