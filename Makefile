# Two commands for a new user: `make audit` and `make test`. Everything else is for developers.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

# What is also run on the oldest releases declared: what leans on them most, quick tests first.
ON_OLDEST := tests/contracts tests/review tests/assurance/test_gate.py tests/runs/test_varying.py \
	tests/known_answers/test_greedy_search.py tests/known_answers/test_linear_optimum.py

.PHONY: audit test lint docs oldest clean

$(VENV)/.core: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --editable ".[test,browser,xgboost,lightgbm,catboost,download]"
	touch $@

$(VENV)/.lint: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --editable ".[test,lint]"
	touch $@

audit: $(VENV)/.core
	$(BIN)/vauban audit spam

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.docs: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

# The documentation as pages, with the reference out of the code, in site/.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The quick tests on the oldest releases that pyproject.toml declares, in an environment of their own.
oldest: pyproject.toml
	$(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-oldest/bin/python tests/oldest.py > $(VENV)-oldest/constraints.txt
	$(VENV)-oldest/bin/python -m pip install --quiet --editable ".[test]" --constraint $(VENV)-oldest/constraints.txt
	$(VENV)-oldest/bin/python -m pytest -n 2 --dist worksteal -q $(ON_OLDEST) -m "not data and not browser"

clean:
	rm -rf $(VENV) $(VENV)-oldest site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
