"""A lab becomes part of a page: its finished run, a still picture of it, and what trains it there.

`static/labs.js` shows a lab when it comes into view, with the front end that Jupyter shows as well.
What it takes to train lies beside the page and is fetched when a reader asks for it. All of it
comes as classic scripts that hold text, as a page opened from a folder may load nothing else; what
computes lies there as it is, too, as browsers keep what they have compiled of such a file.
"""

import base64
import filecmp
import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

from golden_book.assets import node_modules
from golden_book.freshness import fingerprint
from golden_lib.data import DATASETS, Digits, mnist
from golden_lib.lab import SETTINGS
from golden_lib.lab.export_files import write_graphs
from golden_lib.lab.modules import joined, style

MIME = "application/vnd.golden.lab+json"
MARK = 'class="golden-lab"'
FOLDER = Path("_static") / "golden" / "lab"
ENGINE = "engine.wasm"
RUNTIME = Path("onnxruntime-web") / "dist"
# WebGPU by asyncify: the build for JSPI is a third smaller, but not every browser has JSPI.
RUNTIMES = {
    "": ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"),
    "-webgpu": ("ort.webgpu.bundle.min.mjs", "ort-wasm-simd-threaded.asyncify.wasm"),
}


def lab_html(lab: dict[str, Any]) -> str:
    """HTML of one lab, brought to life later by the script.

    Args:
        lab: as `golden_lib.lab` shows itself: ``kind``, ``settings``, ``state``, ``link``,
            ``still``, ``sentence`` and ``title``.
    """
    kept = {key: value for key, value in lab.items() if key not in ("still", "sentence")}
    # "<" as an escape: no text inside the data can end the script element.
    data = json.dumps(kept, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    name = escape(lab["title"] or "Lab", quote=True)
    return (
        f'<section {MARK} aria-label="{name}">\n'
        f'<script type="application/json">{data}</script>\n'
        '<div class="golden-lab-live"></div>\n'
        f'<figure class="golden-lab-still">\n{lab["still"]}\n'
        f"<figcaption>{escape(lab['sentence'])}</figcaption>\n</figure>\n"
        "</section>\n"
    )


class Lab:
    """myst-nb's door for a lab's MIME type (entry point group `myst_nb.mime_renderers`)."""

    mime_priority_overrides = (("*", MIME, 0),)

    @staticmethod
    def handle_mime(
        renderer: NbElementRenderer, data: MimeData, inline: bool
    ) -> list[nodes.Element] | None:
        """Nodes of a lab; None for any other MIME type."""
        if data.mime_type != MIME:
            return None
        lab = data.content if isinstance(data.content, dict) else json.loads(data.string)
        return [nodes.raw("", lab_html(lab), format="html")]


def add_script(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Load the script on the pages that have a lab, and on no other."""
    if MARK in context.get("body", ""):
        app.add_js_file("golden/labs.js", loading_method="defer")


def provide(app: Sphinx, error: Exception | None) -> None:
    """Put what labs load into the finished site, if a page of it has one."""
    pages = Path(app.outdir)
    if error or not any(MARK in page.read_text("utf-8") for page in pages.rglob("*.html")):
        return
    kept = Path(app.outdir).parent / "labs"
    folder, there = pages / FOLDER, set()
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in parts(Path(app.confdir), kept):
        path = folder / f"{name}.js"
        there.add(path.name)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
    code = node_modules(Path(app.confdir)) / RUNTIME / RUNTIMES[""][1]
    there.add(ENGINE)
    if not (folder / ENGINE).is_file() or not filecmp.cmp(code, folder / ENGINE, shallow=False):
        shutil.copyfile(code, folder / ENGINE)
    for path in folder.iterdir():
        if path.name not in there:
            path.unlink()


def parts(root: Path, kept: Path) -> Iterator[tuple[str, str]]:
    """Everything that labs load: the name of a part and the script that provides it.

    Args:
        root: folder of the project.
        kept: folder for what takes long to make; it is made again when the library changes.
    """
    data = dict(_data())
    menus = {name: {**field} for name, field in SETTINGS["fields"].items()}
    labels = menus["data"]["choices"]
    menus["data"]["choices"] = {name: labels[name] for name in data}
    runtime = node_modules(root) / RUNTIME
    settings = {**SETTINGS, "fields": menus}
    for kind, entry in (("training", "lab"), ("plane", "plane")):
        yield _part(f"front-{kind}", text=joined(entry), style=style(), settings=settings)
    yield _part("worker", text=joined("worker"))
    for engine, (module, code) in RUNTIMES.items():
        yield _part(f"runtime{engine}", text=(runtime / module).read_text("utf-8"))
        yield _part(f"wasm{engine}", gzip=_packed((runtime / code).read_bytes()))
    version = fingerprint(root)
    for name in write_graphs(kept / "graphs"):
        if not name.endswith("_step") or name.startswith("cnn_"):  # WebGPU is for the CNN alone
            packed = base64.b64encode((kept / "graphs" / f"{name}.onnx.gz").read_bytes())
            yield _part(f"graph-{name}", gzip=packed.decode("ascii"))
    for name, sets in data.items():
        packed = _kept(kept, version, name, lambda sets=sets: _bytes_of(sets))
        yield _part(f"data-{name}", gzip=packed, counts=[len(digits) for digits in sets])


def _data() -> Iterator[tuple[str, tuple[Digits, ...]]]:
    """The data sets that this machine has: one set of digits, or those to train and to test on."""
    for name, load in DATASETS.items():
        try:
            if name == "mnist":
                yield name, (mnist(True, download=False), mnist(False, download=False))
            else:
                yield name, (load() if name == "digits" else load(download=False),)
        except FileNotFoundError:
            getLogger(__name__).info("labs train without %s: it is not on this machine", name)


def _bytes_of(sets: tuple[Digits, ...]) -> bytes:
    """Images as grey levels 0 … 255, which give a page the same float32, and the labels."""
    images = ((digits.images.numpy() * 255).round() for digits in sets)
    labels = (digits.labels.numpy() for digits in sets)
    return b"".join(array.astype(np.uint8).tobytes() for array in (*images, *labels))


def _kept(folder: Path, version: str, name: str, make: Callable[[], bytes]) -> str:
    """A packed part from the folder, or made and put there."""
    path = folder / version / f"{name}.txt"
    if not path.is_file():
        for old in folder.glob("*/*.txt"):
            if old.parent.name != version:
                old.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_packed(make()), "ascii")
    return path.read_text("ascii")


def _packed(content: bytes) -> str:
    """Bytes as text: gzipped, the same bytes for the same content, in base64."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")


def _part(name: str, **holds: Any) -> tuple[str, str]:
    body = json.dumps(holds, separators=(",", ":"), ensure_ascii=False)
    # A line separator inside a string would end the line for older engines.
    body = body.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return name, f"goldenLab.provide({json.dumps(name)}, {body});\n"
