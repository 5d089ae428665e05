# Everything installs into .venv, from exact versions; nothing outside this folder is touched.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
KILLS := 100
SEED := 0

.PHONY: study paper test test-lowest check docs bench chaos clean

study: $(VENV)/installed  ## run the default study and write its report
	$(BIN)/study run

test: $(VENV)/installed-dev  ## run the tests, three next to each other on two cores, as some wait for processes
	$(BIN)/python -m pytest -n 3 --dist worksteal

test-lowest:  ## run the tests with the lowest versions that pyproject.toml allows
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check -c requirements-lowest.txt -e '.[dev]'
	.venv-lowest/bin/python -m pytest -n 3 --dist worksteal

paper: $(VENV)/installed  ## run every figure of the paper into one page, or resume it
	for name in compas health; do $(BIN)/study data describe $$name >/dev/null 2>&1 || $(BIN)/study data fetch $$name; done
	$(BIN)/study run paper

check: $(VENV)/installed-dev  ## lint, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/installed-dev  ## write docs/study-file.md out of the schema, and build the site, without a network
	$(BIN)/python -m tests.docs.study_file_page
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --clean --quiet

bench: $(VENV)/installed-dev  ## measure training throughput
	$(BIN)/python -m tests.benchmarks

chaos: $(VENV)/installed-dev  ## kill a study's processes again and again, and see that nothing is lost
	$(BIN)/python -m tests.chaos --kills $(KILLS) --seed $(SEED)

clean:
	rm -rf $(VENV) .venv-lowest build site *.egg-info

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "needs Python 3.11, 3.12 or 3.13; none found (make PYTHON=/path/to/python3)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	touch $@
