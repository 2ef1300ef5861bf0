"""The engine needs no ComfyUI, and there is only one copy of each of its classes."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMFYUI = {"comfy", "comfy_api", "comfy_execution", "folder_paths", "nodes", "server", "execution"}
ENGINE = sorted((ROOT / "cast_nodes").rglob("*.py"))
NODES = sorted((ROOT / "nodes").glob("*.py"))


def absolute_imports(path: Path) -> set[str]:
    """First names of all absolute imports of a file, also of those inside functions."""
    found = set()
    for item in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(item, ast.Import):
            found |= {name.name.split(".")[0] for name in item.names}
        elif isinstance(item, ast.ImportFrom) and item.level == 0 and item.module:
            found.add(item.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", ENGINE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_engine_file_imports_comfyui(path: Path):
    assert not absolute_imports(path) & COMFYUI


@pytest.mark.parametrize("path", [*ENGINE, *NODES], ids=lambda p: str(p.relative_to(ROOT)))
def test_the_engine_is_imported_relatively(path: Path):
    """ComfyUI loads the pack by its path: an absolute import would make a second copy."""
    assert "cast_nodes" not in absolute_imports(path)


def test_every_engine_module_loads_where_comfyui_is_absent():
    names = [
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for p in ENGINE
        if p.name != "__main__.py"
    ]
    code = f"""
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {COMFYUI!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
for name in {names!r}:
    importlib.import_module(name)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_listing_the_backends_loads_nothing_heavy():
    """ComfyUI's start and `cast --help` ask for all backends; neither waits for their packages."""
    code = """
import sys
from cast_nodes.backends import STAGES, backends
for stage in STAGES:
    assert backends(stage)
print(*sorted({"torch", "skimage", "ai_edge_litert", "patchmatch_cython"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_the_packs_root_imports_nothing_until_comfyui_asks():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    kinds = [type(item) for item in tree.body]
    assert kinds == [ast.Expr, ast.Assign, ast.AsyncFunctionDef]
    names = {t.id for i in ast.walk(tree) if isinstance(i, ast.Assign) for t in i.targets}
    assert names == {"WEB_DIRECTORY"}  # NODE_CLASS_MAPPINGS would switch comfy_entrypoint off
