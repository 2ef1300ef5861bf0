# Four verbs: demo, test, bench, lint. `setup` is made by all of them when needed.
# PYTHON=python3.12 picks the interpreter; TORCH=torch takes another build of PyTorch; MOGE= leaves
# MoGe out (--no-deps keeps its OpenCV and Gradio away, which its inference does not use).

PYTHON ?= python3
TORCH ?= torch==2.13.0
MOGE ?= dlr-moge==2.0.0 dlr-utils3d==1.3 dlr-pipeline==1.0.0
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
WEB_READY := frontend/node_modules/.ready

.PHONY: setup fetch demo test test-comfyui test-web web bench bench-register bench-scene lint format readme locales clean

setup: $(VENV)/.ready fetch

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else f"Python 3.10 to 3.13 is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet '$(TORCH)'
	$(BIN)/python -m pip install --quiet -e '.[cli,dev]'
	test -z '$(MOGE)' || $(BIN)/python -m pip install --quiet --no-deps $(MOGE)
	touch $@

# The detector's weights (one 37 MB download, kept in the user's cache). Without them Detect
# goes on with region proposals, so a machine without network still works.
fetch: $(VENV)/.ready
	@$(BIN)/cast fetch || echo "The embedded detector was not fetched; Detect will use region proposals."

demo: setup
	$(BIN)/cast run docs/demo/room.jpg -o out
	$(BIN)/cast render out/room

# The ComfyUI suite has a server in each process, a file of tests stays in one; it says why when it
# is skipped.
test: setup
	$(BIN)/python -m pytest -q -rs -n $(JOBS) --dist loadfile tests/comfyui
	$(BIN)/python -m pytest -q -n $(JOBS) tests --ignore tests/comfyui
	@$(MAKE) --no-print-directory test-web

# Fails instead of skipping when no ComfyUI is there: COMFYUI_DIR=... make test-comfyui
test-comfyui: setup
	CAST_REQUIRE_COMFYUI=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile tests/comfyui

# What ComfyUI's browser side loads, from the sources in frontend/.
web: $(WEB_READY)
	cd frontend && npm run --silent check && npm run --silent build

$(WEB_READY): frontend/package.json frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund
	touch $@

# Types, unit tests, and whether web/ is what its sources build.
test-web:
	@if ! command -v npm >/dev/null; then \
	  echo "Front end not tested: there is no npm on the path (Node.js 20 or later brings it)"; \
	elif ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then \
	  echo "Front end not tested: Node.js 20 or later is needed, this is $$(node --version)"; \
	elif ! $(MAKE) --no-print-directory $(WEB_READY); then \
	  echo "Front end not tested: its packages could not be installed, see above"; \
	else cd frontend && npm run --silent check && npm run --silent test && npm run --silent verify; fi

bench: setup
	$(BIN)/python -m benchmarks.offline

# All backends; ARGS="--backends hybrid --quick" is soon done, ARGS=--help tells the rest.
# CAST_BENCH_MESHES names a folder of GLB models; without models: ARGS="--shapes procedural".
bench-register: setup
	$(BIN)/python -m benchmarks.register --backends hybrid icp differentiable $(ARGS)

# How well a scene holds together; ARGS=--quick is soon done, ARGS=--help tells the rest. Models as
# for bench-register.
bench-scene: setup
	$(BIN)/python -m benchmarks.scene $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: setup
	$(BIN)/python docs/readme_tables.py

# The translations, from the nodes of a running ComfyUI: COMFYUI_DIR=... make locales
locales: setup
	$(BIN)/python scripts/make_locales.py

clean:
	rm -rf $(VENV) out build dist *.egg-info .pytest_cache .ruff_cache
