"""The rooms of the library and the arrows between them, read from its imports."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "golden_lib"

# Room → the rooms that it may know. A room is a module or a package right below golden_lib.
ARROWS = {
    "golden": set(),
    "compiled": set(),
    "threads": set(),
    "equations": {"golden"},
    "losses": {"golden"},
    "optim": {"golden"},
    "nets": {"golden", "compiled", "threads"},
    "data": {"golden"},
    "training": {"golden", "compiled", "threads", "losses", "optim", "nets", "data"},
    "results": set(),
    "timings": set(),
    "surfaces": {"golden", "losses"},
    "figures": {"golden"},
    "sweeps": {"golden", "losses", "optim", "nets", "data", "training"},
    "experiments": {
        "golden", "losses", "optim", "nets", "data", "training", "surfaces", "sweeps", "results",
    },
    "lab": {"golden", "losses", "optim", "nets", "data", "training", "surfaces", "figures"},
}  # fmt: skip
WITHOUT_TORCH = ("golden", "equations", "figures")
LONGEST = 300


def room(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(path for path in LIBRARY.rglob("*.py") if path != LIBRARY / "__init__.py")


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports, relative ones made absolute."""
    package = path.parent.relative_to(ROOT).parts
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *filter(None, [node.module])])
            names |= {f"{stem}.{alias.name}" for alias in node.names}
    return names


def rooms_known(path: Path) -> set[str]:
    known = {name.split(".")[1] for name in imported(path) if name.startswith("golden_lib.")}
    return known & set(ARROWS)


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listing.stdout.split("\0") if (ROOT / name).is_file()]


def test_every_room_of_the_library_has_its_arrows():
    assert {room(path) for path in modules()} <= set(ARROWS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_down_the_rooms_never_back(path):
    assert rooms_known(path) <= ARROWS[room(path)] | {room(path)}


def test_nothing_below_the_roofs_knows_the_book_or_the_tests():
    outsiders = {"golden_book", "tests", "sphinx", "IPython", "ipywidgets", "anywidget"}
    for path in modules():
        if room(path) != "lab":
            assert not {name.split(".")[0] for name in imported(path)} & outsiders, path


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_a_room_without_torch_imports_without_torch(name):
    program = (
        f"import sys; sys.modules['torch'] = None; import golden_lib.{name}; "
        "assert 'torchvision' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_file_of_the_library_is_read_in_one_sitting():
    for path in modules():
        if room(path) != "equations":  # the ledger may be long: 88 entries with their proofs
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= LONGEST, f"{path} must have at most {LONGEST} lines, got {lines}"


def test_the_library_never_prints_but_in_a_program_of_its_own():
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        programs = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "main"]
        spared = {node for program in programs for node in ast.walk(program)}
        for node in set(ast.walk(tree)) - spared:
            called = node.func if isinstance(node, ast.Call) else None
            assert getattr(called, "id", "") != "print", f"{path} prints"


def test_no_file_in_the_repository_is_large_or_generated():
    generated = {"node_modules", "_build", "__pycache__", ".ipynb_checkpoints", ".venv"}
    for path in tracked():
        assert path.stat().st_size <= 1_000_000, f"{path} must be at most 1 MB"
        assert not generated & set(path.relative_to(ROOT).parts), f"{path} is generated"


def test_every_package_of_the_library_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in LIBRARY.rglob("__init__.py")
    }
    assert set(project["tool"]["setuptools"]["packages"]) == packages | {"golden_book"}
