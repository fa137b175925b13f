"""The `.ipynb` beside each chapter: what Binder and Colab open.

The `.md` is the source. Its notebook has the same cells without outputs, a first cell that installs
the library on Colab, and plain Markdown where only Sphinx understands MyST. The same chapter gives
the same file, byte for byte.

    python -m golden_book.notebooks            write them
    python -m golden_book.notebooks --check    only compare; the status says whether all agree
"""

import argparse
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import yaml

from golden_book.plain import Labels, collect, plain

ROOT = Path(__file__).resolve().parents[2]
SETUP_TAG = "setup"
SETUP = """\
# On Colab this fetches the book, installs its library, and leaves PyTorch and NumPy as they are.
import importlib.util
import os
import subprocess
import sys
from importlib.metadata import version

if "google.colab" in sys.modules and importlib.util.find_spec("golden_lib") is None:
    kept = [f"{{name}}=={{version(name)}}" for name in ("torch", "numpy")]
    source = ["--branch={branch}", "{url}", "golden-book"]
    subprocess.run(["git", "clone", "--quiet", "--depth=1", *source], check=True)
    install = [sys.executable, "-m", "pip", "install", "--quiet", *kept, "./golden-book"]
    subprocess.run(install, check=True)
if os.path.isdir("golden-book/book"):  # also after a restart of the runtime
    os.chdir("golden-book/book")\
"""


@dataclass(frozen=True)
class Chapter:
    """A source file and its number in the table of contents, None where it has none."""

    path: Path
    number: int | None

    @property
    def notebook(self) -> Path:
        """Where its notebook stands."""
        return self.path.with_suffix(".ipynb")


def chapters(root: Path = ROOT) -> list[Chapter]:
    """The chapters in the order of `_toc.yml`; numbered parts count on from one another."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    found, count = [Chapter(root / f"{toc['root']}.md", None)], 0
    for part in toc.get("parts", []):
        for entry in part["chapters"]:
            count += bool(part.get("numbered"))
            number = count if part.get("numbered") else None
            found.append(Chapter(root / f"{entry['file']}.md", number))
    return found


def notebook(chapter: Chapter, labels: Labels, root: Path = ROOT) -> str:
    """Text of the notebook that belongs to a chapter.

    Args:
        chapter: whose file is read.
        labels: what the chapters' labels stand for.
        root: folder of `_config.yml`, which names the repository.
    """
    repository = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]
    source = jupytext.read(chapter.path, fmt="md:myst")
    setup = SETUP.format(url=repository["url"], branch=repository["branch"])
    cells = [nbformat.v4.new_code_cell(setup, metadata={"tags": [SETUP_TAG]})]
    for cell in source.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, chapter.path.stem, labels)
            if not cell.source:
                continue
        cells.append(cell)
    for index, cell in enumerate(cells):
        cell.id = hashlib.sha256(f"{index}\0{cell.source}".encode()).hexdigest()[:12]
    book = nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    nbformat.validate(book)
    return nbformat.writes(book, indent=1) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write or compare all notebooks; 0 if they agree with their chapters in the end."""
    parser = argparse.ArgumentParser(prog="make.py notebooks", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, only compare")
    options = parser.parse_args(arguments)
    book = chapters()
    labels = collect(book, ROOT / "book" / "references.bib")
    stale = []
    for chapter in book:
        try:
            text = notebook(chapter, labels)
        except ValueError as error:
            sys.exit(f"{chapter.path.relative_to(ROOT)}: {error}")
        there = chapter.notebook
        if there.is_file() and there.read_text(encoding="utf-8") == text:
            continue
        stale.append(there.relative_to(ROOT).as_posix())
        if not options.check:
            there.write_text(text, encoding="utf-8")
    extra = set((ROOT / "book").glob("*.ipynb")) - {c.notebook for c in book}
    for path in sorted(extra):
        print(f"{path.relative_to(ROOT)} belongs to no chapter of _toc.yml")
    for name in stale:
        print(f"{name} {'differs from its chapter' if options.check else 'written'}")
    if options.check and stale:
        print("python3 make.py notebooks writes them")
    return int(bool(extra or (options.check and stale)))


if __name__ == "__main__":
    sys.exit(main())
