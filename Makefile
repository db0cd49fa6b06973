# Farsight's commands; `make` alone lists them.

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip
COMPILE := $(UV) compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

.PHONY: run
run: ## install what is missing, start everything with the demo province (ARGS="--port console=8090")
	@tools/setup.sh python run
	@tools/setup.sh broker
	@tools/setup.sh printer
	@$(BIN)/farsight up --demo $(ARGS)

.PHONY: test
test: ## install what is missing, run all tests (ARGS="-k gate")
	@tools/setup.sh python dev
	@tools/setup.sh broker
	@tools/setup.sh printer
	@tools/setup.sh browser
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)

.PHONY: slow
slow: ## the tests that take minutes each: kills of every process under load, planted cheats found live, a long walk
	@tools/setup.sh python dev
	@tools/setup.sh broker
	@tools/setup.sh browser
	@$(BIN)/pytest -m slow $(ARGS)

.PHONY: check
check: ## lint, types, import arrows, protos, manifests, documents: all that needs no server
	@tools/setup.sh python dev
	@tools/check.sh $(ARGS)

.PHONY: bench
bench: ## measure throughput, latency and memory on the running parts; prints figures
	@tools/setup.sh python dev
	@tools/setup.sh broker
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: load
load: ## the nation's load, a reconnect storm, kills under load (ARGS="steady --seconds 60"); 25 minutes
	@tools/setup.sh python dev
	@tools/setup.sh broker
	@$(BIN)/python -m tests.bench.national $(if $(ARGS),$(ARGS),steady storm kill)

.PHONY: bench-decode
bench-decode: ## measure HJ 212 frames a second on one core beside the peers' figures
	@tools/setup.sh python dev
	@$(BIN)/python -m tests.bench.decode $(ARGS)

.PHONY: bench-backtest
bench-backtest: ## measure a back-tested national year: cells a core-second, memory, growth (ARGS=--write)
	@tools/setup.sh python dev
	@$(BIN)/python -m tests.bench.backtest $(ARGS)

.PHONY: bench-judgement
bench-judgement: ## measure core-seconds of judging a national hour and their growth (ARGS=--write)
	@tools/setup.sh python dev
	@$(BIN)/python -m tests.bench.judgement $(ARGS)

.PHONY: bench-cases
bench-cases: ## measure the queue, exports and the sweep with 50,000 open cases, 200,000 clocks (ARGS=--write)
	@tools/setup.sh python dev
	@$(BIN)/python -m tests.bench.cases $(ARGS)

.PHONY: bench-screening
bench-screening: ## measure a national night of tests for falsified data, and peers on the same test (ARGS=--write)
	@tools/setup.sh python dev
	@$(BIN)/python -m tests.bench.screening $(ARGS)

.PHONY: scoreboard
scoreboard: ## score all tests on real series with cheats, write docs/scoreboard.md (LAB=../shared/lab)
	@tools/setup.sh python dev
	@tools/lab.sh scoreboard

.PHONY: calibration
calibration: ## measure false alarms of all tests on clean real series, write the pack's rates (LAB=../shared/lab)
	@tools/setup.sh python dev
	@tools/lab.sh calibration

.PHONY: walks
walks: ## walk every life cycle at random with two replicas and kills (ARGS="--steps 5000 --seed 7")
	@tools/setup.sh python dev
	@tools/setup.sh broker
	@$(BIN)/python -m tests.walks $(ARGS)

.PHONY: fuzz
fuzz: ## mutate HJ 212 streams for 10 minutes and check every claim (ARGS="--seconds 60")
	@tools/setup.sh python dev
	@$(BIN)/python -m tests.fuzz.hj212 $(ARGS)

.PHONY: proto
proto: ## generate services/chassis/pb from protos/
	@tools/setup.sh python dev
	@$(BIN)/python tools/genproto.py

.PHONY: lock
lock: ## lock requirements/*.in with hashes; keeps versions (ARGS=--upgrade renews them)
	@tools/setup.sh uv
	@$(COMPILE) $(ARGS) -o requirements/run.txt requirements/run.in
	@$(COMPILE) $(ARGS) -c requirements/run.txt -o requirements/dev.txt requirements/dev.in

.PHONY: clean
clean: ## remove the virtual environment and caches; your data folder stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
