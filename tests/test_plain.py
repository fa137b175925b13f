"""The notebooks beside the chapters: MyST that Jupyter does not know becomes plain Markdown."""

from pathlib import Path

import pytest

from golden_book.notebooks import Chapter
from golden_book.plain import collect, plain

ENERGY = """\
---
file_format: mystnb
---

(energy)=
# Energy on the circle

$$
E = \\sin\\varphi
$$ (energy-first)

```{math}
:label: energy-second
D = \\cos\\varphi
```

```{code-cell} ipython3
# (not-a-label)=
"$$ (not-an-equation)"
```

$$ x = y $$ (energy-third)

(energy-range)=
## Its range
"""

BIBLIOGRAPHY = """\
@misc{one, author = {Jaeger, Stefan}, title = {A}, year = {2020}}
@misc{two, author = {Kingma, Diederik P. and Ba, Jimmy}, title = {B}, year = {2015}}
@misc{three, author = {He, K. and Zhang, X. and Ren, S.}, title = {C}, year = {2016}}
"""


@pytest.fixture
def labels(tmp_path):
    (tmp_path / "energy.md").write_text(ENERGY)
    (tmp_path / "losses.md").write_text("# Losses\n\n$$\nL\n$$ (loss)\n")
    (tmp_path / "works.bib").write_text(BIBLIOGRAPHY)
    chapters = [Chapter(tmp_path / "energy.md", 3), Chapter(Path(tmp_path / "losses.md"), None)]
    return collect(chapters, tmp_path / "works.bib")


def test_equations_are_counted_by_chapter_and_code_is_not_read(labels):
    assert labels.equations == {
        "energy-first": ("energy", "3.1"),
        "energy-second": ("energy", "3.2"),
        "energy-third": ("energy", "3.3"),
        "loss": ("losses", "1"),
    }


@pytest.mark.parametrize(
    ("myst", "markdown"),
    [
        ("(energy)=\n# Energy", "# Energy"),
        ("$$\nE\n$$ (energy-first)", "$$\nE\n\\tag{3.1}\n$$"),
        ("$$ E $$ (energy-third)", "$$ E \n\\tag{3.3}\n$$"),
        ("```{math}\n:label: energy-second\nE\n```", "$$\nE\n\\tag{3.2}\n$$"),
        ("By {eq}`energy-first` and {eq}`loss`.", "By (3.1) and [(1)](losses.ipynb)."),
        ("See {ref}`energy-range`.", "See Its range."),
        ("See [](#energy-range).", "See Its range."),
        ("See {ref}`here <energy>`.", "See here."),
        ("See {doc}`losses`.", "See [Losses](losses.ipynb)."),
        ("See [the losses](losses.md).", "See [the losses](losses.ipynb)."),
        ("See [this](https://example.org/a.md).", "See [this](https://example.org/a.md)."),
        ("As {cite}`one,two` say.", "As [Jaeger, 2020; Kingma and Ba, 2015] say."),
        ("{cite:t}`three` say.", "He et al. [2016] say."),
        ("H{sub}`2`, {math}`x^2`.", "H<sub>2</sub>, $x^2$."),
        ("Write `{eq}` as `` {eq}`x` ``.", "Write `{eq}` as `` {eq}`x` ``."),
        ("% a comment\ntext", "text"),
        (":::{admonition} Try $x$\n:class: tip\nA\n\nB {eq}`energy-first`\n:::",
         "> **Try $x$**\n>\n> A\n>\n> B (3.1)"),
        ("```{note}\nA\n```\nafter", "> **Note**\n>\n> A\n\nafter"),
        ("::::{note}\n:::{tip}\nA\n:::\n::::", "> **Note**\n>\n> > **Tip**\n> >\n> > A"),
        ("```python\n(a)=\n{eq}`b`\n```", "```python\n(a)=\n{eq}`b`\n```"),
        ("```{bibliography}\n:all:\n```",
         "The works are listed in `references.bib`, beside this notebook."),
    ],
)  # fmt: skip
def test_myst_becomes_plain_markdown(labels, myst, markdown):
    assert plain(myst, "energy", labels) == markdown


@pytest.mark.parametrize("role", ["{eq}`nowhere`", "{cite}`nobody`", "$$\nx\n$$ (nowhere)"])
def test_a_label_that_the_book_lacks_is_refused_in_one_sentence(labels, role):
    with pytest.raises(ValueError, match="must be one of the book's, got 'no"):
        plain(role, "energy", labels)
