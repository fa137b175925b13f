"""Which code a number came from."""

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

PARTS: Final = (
    "compiled",
    "data",
    "golden",
    "losses",
    "nets",
    "optim",
    "sweeps/arguments",
    "training",
)
"""What can change a number: rooms of the library, and how settings become arguments."""


@cache
def code_version(library: Path = Path(__file__).parents[1]) -> str:
    """Hash of the source that can change a number; comments, docstrings and layout do not count.

    It is taken once a process, when this package is imported: what is edited later is not the code
    that runs.

    Args:
        library: folder of the library.

    Returns:
        32 hexadecimal digits, the same under every version of Python that has these statements.

    Raises:
        FileNotFoundError: if the source of a part is not there.
    """
    digest = hashlib.sha256()
    for part in PARTS:
        paths = sorted([*library.glob(f"{part}.py"), *library.glob(f"{part}/**/*.py")])
        if not paths:
            raise FileNotFoundError(f"{library} must hold the source of {part}, got none")
        for path in paths:
            tree = ast.parse(path.read_bytes())
            digest.update(repr((path.relative_to(library).as_posix(), _plain(tree))).encode())
    return digest.hexdigest()[:32]


def _plain(node: Any) -> Any:
    """A syntax tree without positions, docstrings and empty fields, which vary with Python's."""
    if isinstance(node, ast.AST):
        filled = ((k, v) for k, v in ast.iter_fields(node) if v is not None and v != [])
        return type(node).__name__, *((k, _plain(v)) for k, v in filled)
    if isinstance(node, list):
        return [_plain(item) for item in node if not _is_docstring(item)]
    return repr(node)


def _is_docstring(node: Any) -> bool:
    """Whether a statement is a string alone: a docstring, or the note below a constant."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
