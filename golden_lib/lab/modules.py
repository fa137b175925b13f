"""The lab's JavaScript as one module: what anywidget takes, and what a Blob worker is made of.

The files in `static` are plain ES modules, which a browser or node imports as they are. A widget's
code must be one text, so `joined` lays them one below the other: every file after those that it
imports, without the import lines and the word ``export``. No bundler, and so no node, is needed.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"\./([\w-]+)\.js";[ \t]*\n', re.MULTILINE)
_OTHER_IMPORT = re.compile(r"^(import\b(?!\s*\().*|export\s*(?:\*|\{).*)$", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async |function|const|let|class))", re.MULTILINE)
_NAME = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|const|let|var|class)\s+([A-Za-z_$][\w$]*)",
    re.MULTILINE,
)
_DEFAULT = re.compile(r"^export default\b", re.MULTILINE)


def joined(entry: str, folder: Path = STATIC) -> str:
    """One ES module from `entry` and all that it imports.

    Args:
        entry: name of a file in `folder`, without ``.js``; only it may have an ``export default``.
        folder: where the files lie.

    Raises:
        ValueError: if a file is missing, imports or exports in a way that is not followed here,
            imports itself in a circle, or shares a top-level name with another.
    """
    texts: dict[str, str] = {}
    _visit(entry, folder, (), texts)
    homes: dict[str, str] = {}
    for name, text in texts.items():
        for found in _NAME.findall(text):
            if found in homes:
                raise ValueError(
                    f"a top-level name must be in one file alone, got {found} in "
                    f"{homes[found]}.js and {name}.js"
                )
            homes[found] = name
        if name != entry and _DEFAULT.search(text):
            raise ValueError(f"only {entry}.js may have an export default, got one in {name}.js")
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts.values())


@cache
def style() -> str:
    """The style sheet of all labs."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.css")))


def _visit(name: str, folder: Path, above: tuple[str, ...], texts: dict[str, str]) -> None:
    """Add a file to `texts` behind those that it imports."""
    if name in above:
        raise ValueError(f"imports must not go in a circle, got {' → '.join([*above, name])}")
    if name in texts:
        return
    path = folder / f"{name}.js"
    if not path.is_file():
        raise ValueError(f"a module must be a file of {folder.name}, got {name}.js")
    text = path.read_text(encoding="utf-8")
    for names, imported in _IMPORT.findall(text):
        if re.search(r"\sas\s", names):
            raise ValueError(f"an import must keep the name, got {names.strip()!r} in {path.name}")
        _visit(imported, folder, (*above, name), texts)
    if other := _OTHER_IMPORT.search(_IMPORT.sub("", text)):
        raise ValueError(
            f'an import must read import {{ a, b }} from "./c.js";, got {other[0]!r} in {path.name}'
        )
    texts[name] = text
