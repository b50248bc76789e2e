# `make mnist` and `make test` need Python 3.11, 3.12 or 3.13 and nothing else.
VENV := .venv
# Real Keras, for the benchmarks to compare with.
KERAS_VENV := .venv-keras
BIN := $(VENV)/bin
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3; do \
	$$each -c '$(SUPPORTED)' 2>/dev/null && echo $$each && break; done)
SOURCES := $(shell find lamina -name '*.py' -o -name '*.npz')

# What `make mnist BACKEND=…` installs of a framework that does not come with Lamina.
FRAMEWORK_torch := torch==2.13.0
FRAMEWORK_tensorflow := tensorflow-cpu

# `make mnist BACKEND=torch`; the default is Lamina's own.
ifdef BACKEND
export KERAS_BACKEND := $(BACKEND)
endif

# What is run once more on each other backend: the first run has all of it on JAX, and the tests of the
# contract, of ops and of programs on all backends.
BEHAVIOUR := $(filter-out tests/__pycache__ tests/backend tests/ops tests/programs \
	tests/datasets tests/utils tests/symbolic tests/data tests/test_cli.py tests/test_dropin.py \
	tests/test_examples.py tests/test_project.py,$(patsubst %/,%,$(wildcard tests/*/)) $(wildcard tests/test_*.py))

# Two workers share the cores: threads of each would wait for those of the other.
test test-all: export OMP_NUM_THREADS := 1

.PHONY: mnist test test-all bytecode lint agreement bench clean

mnist: $(VENV)/.installed $(if $(FRAMEWORK_$(BACKEND)),$(VENV)/.framework-$(BACKEND))
	$(BIN)/lamina run examples/mnist.py

test: lint bytecode $(VENV)/.strace
	$(BIN)/pytest -n 2 --dist loadfile
	LAMINA_TEST_BACKEND=torch $(BIN)/pytest -n 2 --dist loadfile $(BEHAVIOUR)
	LAMINA_TEST_BACKEND=tensorflow $(BIN)/pytest -n 2 --dist loadfile $(BEHAVIOUR)

test-all: export LAMINA_TEST_OPTIMIZED := 1
test-all: lint bytecode $(VENV)/.strace
	$(BIN)/pytest -n 2 --dist loadfile -m "slow or not slow"
	LAMINA_TEST_BACKEND=torch $(BIN)/pytest -n 2 --dist loadfile -m "slow or not slow" $(BEHAVIOUR)
	LAMINA_TEST_BACKEND=tensorflow $(BIN)/pytest -n 2 --dist loadfile -m "slow or not slow" $(BEHAVIOUR)

# As pip leaves an installed package: else each process compiles it anew where it may not write.
bytecode: $(VENV)/.installed-dev
	$(BIN)/python -m compileall -q lamina

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# docs/agreement.md anew: some minutes for each of EXAMPLES, the configurations of a class.
agreement: $(VENV)/.installed-dev
	$(BIN)/python -m tests.agreement $(if $(EXAMPLES),--examples $(EXAMPLES))

# docs/benchmarks.md and its picture anew, unless some of it is chosen: an hour and more.
bench: bytecode $(KERAS_VENV)/.installed
	$(BIN)/python -m benchmarks --python $(KERAS_VENV)/bin/python $(if $(RUNS),--runs $(RUNS)) \
		$(if $(BACKEND),--backend $(BACKEND)) $(if $(BACKEND)$(WORKLOADS),,--write) $(WORKLOADS)

# With it programs are killed at chosen system calls; root of a Debian gets it, and without it they are
# killed at random moments only.
$(VENV)/.strace: | $(VENV)/.created
	@command -v strace >/dev/null || timeout 60 apt-get install -y -qq strace >/dev/null 2>&1 \
		|| echo "There is no strace: programs will be killed at random moments only." >&2
	@touch $@

clean:
	rm -rf $(VENV) $(KERAS_VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache

$(KERAS_VENV)/.installed: pyproject.toml | $(VENV)/.created
	$(PYTHON) -m venv $(KERAS_VENV)
	$(KERAS_VENV)/bin/pip install -e . keras==3.15.1 torch==2.13.0 tensorflow-cpu
	@touch $@

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "Lamina needs Python 3.11, 3.12 or 3.13: none was found on PATH." \
		"Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -c '$(SUPPORTED)' || { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.framework-%: | $(VENV)/.created
	$(BIN)/pip install '$(FRAMEWORK_$*)'
	@touch $@

# A plain install copies the package, so a changed source installs it again (the dependencies stay).
# A development install reads the checkout itself and must not be replaced by a copy.
$(VENV)/.installed: pyproject.toml $(SOURCES) | $(VENV)/.created
	@test $(VENV)/.installed-dev -nt pyproject.toml || { set -x; $(BIN)/pip install .; }
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.created
	$(BIN)/pip install -e '.[dev]'
	@touch $@
