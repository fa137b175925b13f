"""A chapter runs again when the library under it has changed, not only when its own code has.

jupyter-cache compares the code of the cells and nothing else. So the cache has a name that changes
with everything else that a result may depend on; Sphinx reads all chapters again when it does.
"""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

PREFIX = ".jupyter_cache-"


def sources(root: Path) -> Iterator[Path]:
    """Files beside a chapter that its results depend on: library, measurements, versions."""
    for folder in ("golden_lib", "book/results"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield path
    yield root / "requirements.txt"


def fingerprint(root: Path) -> str:
    """Twelve hex digits that change with the name or the content of any of the `sources`."""
    digest = hashlib.sha256()
    for path in sources(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def own_version() -> int:
    """A number that changes with this extension's code, so that Sphinx reads all chapters again.

    They come from the cache then: what a cell gives does not depend on how a page shows it.
    """
    code = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return int(hashlib.sha256(code).hexdigest()[:8], 16)


def name_cache(app: Sphinx, config: Config) -> None:
    """Point myst-nb to the cache of the present sources and drop the caches of earlier ones."""
    build = Path(app.outdir).parent
    cache = build / f"{PREFIX}{fingerprint(Path(app.confdir))}"
    for old in build.glob(f"{PREFIX}*"):
        if old != cache:
            shutil.rmtree(old)
    config.nb_execution_cache_path = str(cache)
