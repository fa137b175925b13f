"""The book's own machinery: figures in a page, the cache's name, the static files."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import pytest

from golden_book import assets, figures, freshness
from golden_lib.figures.look import GREY, GRID, styled

BARE_CONFIG = """\
title: A small book
execute: {execute_notebooks: cache, show_tb: true}
only_build_toc_files: true
sphinx: {extra_extensions: [golden_book], config: {nb_ipywidgets_js: {}}}
"""
CHAPTER = """\
---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
---
# Chapter

```{code-cell} ipython3
import sys
sys.path.insert(0, "..")
import golden_lib
golden_lib.ANSWER
```
"""


class Elements(HTMLParser):
    """Start tags with their attributes, and the text of script elements."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.script = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script":
            self.script += data


def as_json(figure: go.Figure) -> dict:
    return json.loads(figure.to_json())


def test_a_figures_data_survives_the_page_whatever_its_texts_are():
    text = "</script><b>\"a\" & 'b' \u2028 ≤"
    figure = as_json(go.Figure(go.Scatter(x=[0, 1], y=[1, 2], name=text)))
    found = json.loads(Elements(figures.figure_html(figure)).script)
    assert found["data"] == figure["data"]


def test_a_figure_is_named_by_its_title_and_described_in_a_sentence():
    figure = styled(go.Figure(), "<b>E</b>*(d)", 'Least at "π/4".')
    html = figures.figure_html(as_json(figure))
    attributes = Elements(html).tags[0][1]
    assert attributes["aria-label"] == "E *(d)"
    assert "<figcaption>Least at &quot;π/4&quot;.</figcaption>" in html


def test_the_room_of_a_title_goes_with_it_but_stays_where_a_menu_is():
    plain = styled(go.Figure(), "T", "D.", height=400).to_plotly_json()["layout"]
    menu = {**plain, "updatemenus": [{"buttons": []}]}
    above = plain["margin"]["t"]
    for layout, height, top in ((plain, 360, above - 40), (menu, 400, above)):
        kept = figures.untitled(layout)
        assert (kept["height"], kept["margin"]["t"]) == (height, top)
        assert "title" not in kept
        assert "title" in layout


def test_neutral_colours_are_left_to_the_theme_and_all_others_kept():
    layout = {
        "font": {"color": GREY, "size": 13},
        "xaxis": {"gridcolor": GRID},
        "shapes": [{"line": {"color": GREY}}],
        "annotations": [{"font": {"color": "#b97f00"}}, {"font": {"color": GREY}}],
    }
    assert figures.without_neutral(layout) == {
        "font": {"size": 13},
        "xaxis": {},
        "shapes": [{"line": {"color": GREY}}],
        "annotations": [{"font": {"color": "#b97f00"}}, {"font": {}}],
    }


@pytest.fixture
def small_book(tmp_path):
    """A book with one chapter that reads a number from its library."""
    files = {
        "_config.yml": BARE_CONFIG,
        "_toc.yml": "format: jb-book\nroot: book/chapter\n",
        "book/chapter.md": CHAPTER,
        "golden_lib/__init__.py": "ANSWER = 41\n",
        "requirements.txt": "",
        "package-lock.json": "{}",
        "node_modules/mathjax/es5/tex-svg.js": "",
        "node_modules/mathjax/es5/sre/mathmaps/base.json": "",
        "node_modules/mathjax/es5/sre/mathmaps/en.json": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for folder in ("input/tex/extensions", "a11y"):
        (tmp_path / "node_modules/mathjax/es5" / folder).mkdir(parents=True)
    assets.mark_installed(tmp_path)
    return tmp_path


def built(book: Path) -> tuple[str, str]:
    """What a build says, and the number on the page."""
    program = "from jupyter_book.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "build", str(book)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = (book / "_build/html/book/chapter.html").read_text()
    shown = re.search(r"\b(\d+)\b", re.sub(r"<[^>]*>", " ", page.split("cell_output")[1]))
    return done.stdout, shown[1]


def test_a_change_in_the_library_is_seen_and_an_unchanged_book_does_not_run_again(small_book):
    log, number = built(small_book)
    assert "Executing notebook" in log
    assert number == "41"
    log, number = built(small_book)
    assert "Executing notebook" not in log
    assert number == "41"
    (small_book / "golden_lib/__init__.py").write_text("ANSWER = 42\n")
    log, number = built(small_book)
    assert "Executing notebook" in log
    assert number == "42"
    assert len(list((small_book / "_build").glob(f"{freshness.PREFIX}*"))) == 1


def test_a_failing_cell_fails_the_build_and_is_shown_and_mending_it_helps(small_book):
    chapter = small_book / "book/chapter.md"
    chapter.write_text(CHAPTER.replace("golden_lib.ANSWER", "1 / 0"))
    with pytest.raises(
        AssertionError, match=r"(?s)ZeroDivisionError.*a cell fails in book/chapter"
    ):
        built(small_book)
    chapter.write_text(CHAPTER)
    assert built(small_book)[1] == "41"


@pytest.mark.parametrize(
    "name", ["golden_lib/new.py", "book/results/table.json", "requirements.txt"]
)
def test_the_caches_name_changes_with_all_that_a_result_depends_on(small_book, name):
    before = freshness.fingerprint(small_book)
    assert freshness.fingerprint(small_book) == before
    (small_book / name).parent.mkdir(exist_ok=True)
    (small_book / name).write_text("changed\n")
    assert freshness.fingerprint(small_book) != before


def test_a_page_names_no_script_of_another_host(small_book):
    built(small_book)
    page = (small_book / "_build/html/book/chapter.html").read_text()
    loading = [
        attributes.get("src") or attributes.get("href", "")
        for tag, attributes in Elements(page).tags
        if tag in ("script", "link", "img", "iframe")
    ]
    assert not [address for address in loading if re.match(r"(https?:)?//", address)]
    assert "unpkg" not in page
