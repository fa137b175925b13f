"""Each chapter's notebook is what the chapter gives, and runs from top to bottom in a fresh kernel.

The kernels are the reader's: no build, no extension, only what the notebook itself imports.
"""

import nbformat
import pytest
from nbclient import NotebookClient

from golden_book.figures import MIME
from golden_book.notebooks import ROOT, SETUP_TAG, chapters, notebook
from golden_book.plain import collect

BOOK = chapters()
EACH = pytest.mark.parametrize("chapter", BOOK, ids=lambda chapter: chapter.path.stem)


@pytest.fixture(scope="module")
def labels():
    return collect(BOOK, ROOT / "book" / "references.bib")


@EACH
def test_the_notebook_beside_a_chapter_is_what_the_chapter_gives(chapter, labels):
    assert chapter.notebook.read_text(encoding="utf-8") == notebook(chapter, labels), (
        f"{chapter.notebook.name} differs: python3 make.py notebooks writes it"
    )


def test_every_chapter_of_the_folder_is_in_the_table_of_contents_with_one_notebook():
    sources = {path.stem for path in (ROOT / "book").glob("*.md")}
    notebooks = {path.stem for path in (ROOT / "book").glob("*.ipynb")}
    assert {chapter.path.stem for chapter in BOOK} == sources == notebooks


@EACH
def test_a_notebook_is_committed_without_outputs(chapter):
    book = nbformat.read(chapter.notebook, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert [cell for cell in code if SETUP_TAG in cell.metadata.get("tags", [])] == book.cells[:1]


@EACH
def test_a_notebook_runs_from_top_to_bottom_in_a_fresh_kernel(chapter, monkeypatch):
    monkeypatch.setenv("PLOTLY_RENDERER", "plotly_mimetype")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    book = nbformat.read(chapter.notebook, as_version=4)
    client = NotebookClient(
        book, timeout=900, kernel_name="python3", resources={"metadata": {"path": ROOT / "book"}}
    )
    client.execute()
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert code[0].outputs == [], "the setup cell must be quiet outside Colab"
    for cell in code:
        for output in cell.outputs:
            written = output.get("text", "") if output.get("name") == "stderr" else ""
            assert not written, f"a cell warns: {written}"
            data = output.get("data", {})
            assert not data.get("text/plain", "").startswith("Figure("), "a figure was not drawn"
            if MIME in data:
                assert data[MIME]["data"], "a figure must have traces"
