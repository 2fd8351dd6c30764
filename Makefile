# run: set up and serve · test: set up and test · install: set up only · check: lint and types · bench: measure · gallery: measure beside the peers
# docs: write the pages made from the code · hooks: check each commit · coverage: which branches the tests walk
PYTHON ?= python3
BIN := .venv/bin
# Where it is set, each of the hundreds of processes of a test run compiles every module anew: 10 s in each worker.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run dev quick test programs collected install install-test check hooks coverage soak bench gallery docs lock clean

run: install
	@$(BIN)/python -m app serve

install: .venv/run.done .venv/compile.done

.venv/run.done: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "SessionMood needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@echo "Setting up .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

install-test: install .venv/test.done clients/node_modules/.package-lock.json

# After the compiler: two of pip must not write into one .venv at once. The compiling itself may go on beside it.
.venv/test.done: .venv/run.done .venv/compiler.done requirements/test.txt
	@echo "Setting up the tests (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

clients/node_modules/.package-lock.json: clients/package-lock.json .venv/test.done
	@echo "Setting up the front end's tools (once) ..."
	@cd clients && ../tools/with-node npm ci --silent --no-audit --no-fund --no-update-notifier
	@touch $@

test:
	@$(MAKE) --no-print-directory -j3 install-test programs
	@tools/run-tests $(BIN)/python $(ARGS)

# Browsers and proxies that the tests drive: while pip installs the rest.
programs:
	@sh tools/install-programs

# What most changes break, in half a minute: no server, no browser.
quick: install-test
	$(BIN)/ruff check .
	TEST_DEPTH=0.2 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not recordings" tests/mood tests/protocol tests/sessions \
		tests/auth tests/test_architecture.py tests/storage/test_queue.py \
		tests/storage/test_migrations.py

# The property tests, with ten times as many examples: for an evening.
soak: install-test
	TEST_DEPTH=10 $(BIN)/python -m pytest -q -n 2 --timeout 3600 tests/mood tests/protocol tests/sessions tests/security/test_fuzz.py

# Serve with a talkative log, and again whenever a file of app/ changes.
dev: install
	@$(BIN)/python -m tools.dev

check: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	tools/with-node clients/node_modules/.bin/tsc --noEmit -p clients

# Before each commit, what `make check` says of the files in it.
hooks: install-test
	$(BIN)/pre-commit install

# That every test file can be read. In a clean clone this also leaves behind what pytest makes of them, once for all the
# processes that share the tests.
collected: install-test
	@mkdir -p build
	@$(BIN)/python -m pytest --collect-only -q >build/collected.txt || { tail -50 build/collected.txt; exit 1; }

# How much of the ground floor and the one path the tests walk, branch by branch: fails below the floor that
# tools/measure_coverage.py names.
coverage: install-test
	@$(BIN)/python -m tools.measure_coverage $(ARGS)

.venv/compiler.done: .venv/run.done requirements/compile.txt
	@! command -v cc >/dev/null 2>&1 || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/compile.txt || \
		echo "Installing mypyc failed: the service stays plain Python."
	@touch $@

# Where there is a C compiler the engine and the way of an event to it become machine code; else they stay Python.
.venv/compile.done: .venv/compiler.done tools/compile_app.py $(shell find app -name '*.py')
	@if command -v cc >/dev/null 2>&1; then \
		$(BIN)/python tools/compile_app.py || echo "Compiling failed: the service stays plain Python."; \
	else echo "No C compiler: the service stays plain Python."; fi
	@touch $@

.venv/bench.done: .venv/test.done requirements/bench.txt
	@echo "Setting up the benchmark (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

bench: install-test .venv/bench.done
	$(BIN)/python -m benchmarks

# how often each of eight tools is right about what a page answered: ARGS="--tool sessionmood --library mui"
gallery: install-test
	@sh tools/install-programs
	$(BIN)/python -m benchmarks.gallery $(ARGS)

docs: install-test
	$(BIN)/python -m tools.write_docs

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/run.in -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/test.in -c requirements/run.txt -o requirements/test.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/bench.in -c requirements/test.txt -o requirements/bench.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/compile.in -c requirements/test.txt -o requirements/compile.txt

clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache
