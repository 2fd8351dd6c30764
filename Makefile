# run: set up and serve · test: set up and test · install: set up only · check: lint and types · bench: measure · docs: write the pages made from the code
# compile: the mood engine as machine code, for production (needs a C compiler)
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test install install-test compile check bench docs lock clean

run: install
	@$(BIN)/python -m app serve

install: .venv/run.done

.venv/run.done: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "SessionMood needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@echo "Setting up .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

install-test: .venv/test.done

.venv/test.done: .venv/run.done requirements/test.txt
	@echo "Setting up the tests (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

test: install-test
	@sh tools/install-browser
	$(BIN)/python -m pytest $(ARGS)

check: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

compile: .venv/compile.done
	@$(BIN)/python tools/compile_mood.py

.venv/compile.done: .venv/run.done requirements/compile.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/compile.txt
	@touch $@

bench: install-test compile
	$(BIN)/python -m benchmarks

docs: install-test
	$(BIN)/python -m tools.write_docs

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/run.in -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/test.in -c requirements/run.txt -o requirements/test.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/compile.in -c requirements/test.txt -o requirements/compile.txt

clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache
