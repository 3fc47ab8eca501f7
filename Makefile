# The two commands are `make run` and `make test`; everything else is for those who work on the shop.
PYTHON ?= python3
VENV := .venv/bin
UV ?= $(VENV)/uv
LOCK := $(UV) pip compile setup.py --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help run demo test test-extra fuzz openapi translations demo-data bench chaos lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# exec: the supervisor itself receives the signals, with no shell in between.
run: ## start the whole shop on this machine (PORT=8000, HOST=127.0.0.1)
	@$(PYTHON) dev/environment.py run && exec $(VENV)/python -m dev.run

demo: ## walk through an order with one price list: make demo FILE=price.yaml
	@$(PYTHON) dev/environment.py run && exec $(VENV)/python -m dev.demo $(FILE)

demo-data: ## load the demo data into the database of DATABASE_URL (refused in production)
	@$(PYTHON) dev/environment.py run && exec $(VENV)/flask --app wsgi demo-data load

test: ## lint, types, import contracts and all tests: make test ARGS="-k basket"
	@$(PYTHON) dev/environment.py dev && exec $(VENV)/python -m dev.checks $(ARGS)

test-extra: ## the tests that need programs from npm or apt (see .ci/run)
	@$(PYTHON) dev/environment.py dev && exec $(VENV)/python -m dev.checks --extra $(ARGS)

fuzz: ## play thousands of requests and trading days: make fuzz EXAMPLES=200 SEED=7
	@$(PYTHON) dev/environment.py dev && \
	FUZZ_EXAMPLES=$(or $(EXAMPLES),100) FUZZ_SEED=$(or $(SEED),$$(date +%s)) exec $(VENV)/python -m dev.checks --fuzz $(ARGS)

# Nothing is connected to: the document depends on the code alone.
openapi: ## write docs/openapi.json anew after a change of the API
	@$(PYTHON) dev/environment.py dev && APP_ENV=development DATABASE_URL=postgresql+psycopg://none/none REDIS_URL=redis://none \
	$(VENV)/flask --app wsgi openapi write

translations: ## bring the catalog of Russian texts up to date after a change of the English ones
	@$(PYTHON) dev/environment.py dev && APP_ENV=development $(VENV)/python -m dev.translations

bench: ## measure speed and print ratios: make bench ARGS="orders"
	@$(PYTHON) dev/environment.py dev && exec $(VENV)/python -m benchmarks $(ARGS)

chaos: ## kill everything at random and count what is left: make chaos ARGS="--orders 300 --kills 30"
	@$(PYTHON) dev/environment.py dev && exec $(VENV)/python -m tests.chaos $(ARGS)

lock: ## compile requirements/ from setup.py
	@$(LOCK) --extra embedded -o requirements/run.txt
	@$(LOCK) --extra embedded --extra test --extra dev -c requirements/run.txt -o requirements/dev.txt

clean: ## delete the environment and caches; data in instance/ stay
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m dev.embedded remove .cache/test-servers; fi
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* htmlcov *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
