"""A Plotly figure becomes part of a page: its data, a sentence for those who cannot see it.

`static/figures.js` draws it when it comes into view, with the one plotly.min.js of the site.
"""

import json
import re
from html import escape
from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer
from sphinx.application import Sphinx

from golden_lib.figures.look import GREY, GRID

MIME = "application/vnd.plotly.v1+json"
DEFAULT_HEIGHT = 450  # px, what Plotly takes where a layout has none
TITLE_HEIGHT = 40  # px of the margin above a plot that its title takes
NEUTRAL = (GREY, GRID)
"""Colours that stand for "text" and "line" where no theme is known; on a page the theme's count."""


def title(figure: dict[str, Any]) -> str:
    """Title of a figure as plain text, empty where it has none."""
    given = figure.get("layout", {}).get("title", "")
    text = given.get("text") or "" if isinstance(given, dict) else given
    return re.sub(r"<[^>]*>", " ", text).strip()


def description(figure: dict[str, Any]) -> str:
    """The sentence in `layout.meta["description"]`, empty where there is none."""
    meta = figure.get("layout", {}).get("meta")
    return str(meta.get("description", "")) if isinstance(meta, dict) else ""


def without_neutral(part: Any) -> Any:
    """Copy of a layout without the neutral colours, so that the page's template sets them.

    Shapes keep theirs: Plotly has no template for a shape's line.
    """
    if isinstance(part, list):
        return [without_neutral(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: value if key == "shapes" else without_neutral(value)
        for key, value in part.items()
        if not (key.endswith("color") and value in NEUTRAL)
    }


def untitled(layout: dict[str, Any]) -> dict[str, Any]:
    """Copy of a layout without its title and the room that `look.styled` gives it.

    The page writes the title itself: Plotly does not break lines, so a phone would cut it off.
    """
    kept = {key: value for key, value in layout.items() if key != "title"}
    margin = kept.get("margin", {})
    # Above a menu the room stays: Plotly's toolbar is there when the pointer comes.
    spare = "height" in kept and margin.get("t", 0) > TITLE_HEIGHT and "updatemenus" not in kept
    if "title" in layout and spare:
        kept["height"] -= TITLE_HEIGHT
        kept["margin"] = {**margin, "t": margin["t"] - TITLE_HEIGHT}
    return kept


def figure_html(figure: dict[str, Any]) -> str:
    """HTML of one figure, drawn later by the script.

    Args:
        figure: Plotly's JSON: `data`, `layout` and perhaps `frames`.
    """
    kept = {key: figure[key] for key in ("data", "frames") if key in figure}
    kept["layout"] = layout = untitled(without_neutral(figure.get("layout", {})))
    # "<" as an escape: no text inside the data can end the script element.
    data = json.dumps(kept, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    says = escape(description(figure) or title(figure))
    name = escape(title(figure) or description(figure), quote=True)
    height = int(layout.get("height") or DEFAULT_HEIGHT)
    return (
        f'<figure class="golden-figure" aria-label="{name}">\n'
        f'<p class="golden-title" aria-hidden="true">{escape(title(figure))}</p>\n'
        f'<div class="golden-plot" style="min-height: {height}px"></div>\n'
        f'<script type="application/json">{data}</script>\n'
        f"<figcaption>{says}</figcaption>\n"
        "<noscript><p>The drawing needs JavaScript.</p></noscript>\n"
        "</figure>\n"
    )


class PlotlyFigure:
    """myst-nb's door for Plotly's MIME type (entry point group `myst_nb.mime_renderers`)."""

    mime_priority_overrides = (("*", MIME, 0),)

    @staticmethod
    def handle_mime(
        renderer: NbElementRenderer, data: MimeData, inline: bool
    ) -> list[nodes.Element] | None:
        """Nodes of a figure; None for any other MIME type."""
        if data.mime_type != MIME:
            return None
        figure = data.content if isinstance(data.content, dict) else json.loads(data.string)
        if not description(figure):
            renderer.logger.warning(
                "a figure's layout.meta must have a 'description', got none",
                subtype="figure",
                line=data.line,
            )
        return [nodes.raw("", figure_html(figure), format="html")]


def add_script(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Load the drawing script on the pages that have a figure, and on no other."""
    if 'class="golden-figure"' in context.get("body", ""):
        app.add_js_file("golden/figures.js", loading_method="defer")
