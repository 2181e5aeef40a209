# make demo   the main job end to end on faces it draws itself; results in demo-out/
# make test   the tests (those that need MXNet or real data say so where they are skipped)
# make lint   ruff
# make bench  timings against the tools users would otherwise pick, into benchmarks/results/

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# One thread for each OpenMP pool: MXNet, NumPy and ONNX Runtime share two cores in CI.
export OMP_NUM_THREADS ?= 1
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: demo test lint bench clean

demo: $(VENV)/installed
	sh demo.sh $(VENV)/bin/insightrec

test: $(VENV)/installed
	$(RUN) -m pytest -q -rs

lint: $(VENV)/installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

bench: $(VENV)/installed
	for script in benchmarks/bench_*.py; do echo "== $$script"; $(RUN) $$script || exit 1; done

clean:
	rm -rf $(VENV) demo-out build *.egg-info

$(VENV)/installed: setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' || \
	  { echo "insightrec needs Python 3.9 or newer; run: make $(MAKECMDGOALS) PYTHON=python3.11 (or another)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module; run: sudo apt-get install -y python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	$(RUN) -m pip install --quiet --editable '.[cpu,dev]' || \
	  { echo "MXNet could not be installed; going on without it, what needs it is left out"; \
	    $(RUN) -m pip install --quiet --editable '.[dev]'; }
	touch $@
