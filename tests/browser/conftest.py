"""The built site, served at the root and under a sub-path, opened in the machine's Chromium."""

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from chrome import FLAGS, WEBGPU, Visit, chromium
from jupyter_cache import get_cache
from playwright.sync_api import Browser, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
SUB_PATH = "/some/where"


class Site(http.server.SimpleHTTPRequestHandler):
    """The site below a sub-path, or at the root where that is empty; nothing beside it."""

    def __init__(self, *args: object, prefix: str, **kwargs: object) -> None:
        self.prefix = prefix
        super().__init__(*args, **kwargs)

    def translate_path(self, path: str) -> str:
        if not path.startswith(f"{self.prefix}/"):
            return str(SITE / "nothing-is-here")
        return super().translate_path(path.removeprefix(self.prefix))

    def log_message(self, *_: object) -> None:
        """Say nothing about each request."""


def pages() -> list[str]:
    """Addresses of all pages, relative to the site; index.html only leads to the first of them."""
    found = (path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    kept = sorted(name for name in found if not name.startswith("_static/"))
    if "index.html" not in kept:
        pytest.exit("the book must be built first: python3 make.py browser does both", 2)
    return [name for name in kept if name != "index.html"]


def notebook(name: str) -> Path:
    """Where the notebook of a page would stand, relative to the project; only chapters have one."""
    return Path(name).with_suffix(".ipynb")


@contextlib.contextmanager
def served(prefix: str) -> Iterator[str]:
    """Address of the site, with its last slash, while it is served."""
    handler = functools.partial(Site, prefix=prefix, directory=str(SITE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{prefix}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session", params=["", SUB_PATH], ids=["root", "sub-path"])
def site(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of the site, at the root and under a sub-path."""
    with served(request.param) as address:
        yield address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The one that all browsers share: a second in a process is refused."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
    yield launched
    launched.close()


@pytest.fixture(scope="module")
def webgpu_browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser that has WebGPU, for the module that needs it."""
    launched = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *WEBGPU])
    yield launched
    launched.close()


@pytest.fixture(scope="module", params=pages())
def name(request: pytest.FixtureRequest) -> str:
    """Address of a page, relative to the site."""
    return request.param


@pytest.fixture(scope="module")
def seen(browser: Browser, site: str, name: str):
    """A page of the site, all of it drawn and typeset, with every other host blocked."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    visit = Visit(context.new_page())

    def route(route):
        if route.request.url.startswith((site, "data:", "blob:")):
            route.continue_()
        else:
            visit.strangers.append(route.request.url)
            route.abort()

    def answered(response):
        if response.status >= 400:
            visit.errors.append(f"{response.status} for {response.url}")

    context.route("**/*", route)
    page = visit.page
    page.on("console", lambda m: m.type == "error" and visit.errors.append(m.text))
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("requestfailed", lambda r: visit.errors.append(f"{r.url}: {r.failure}"))
    page.on("response", answered)
    page.goto(site + name, wait_until="load")
    visit.draw_all()
    visit.typeset_all()
    page.wait_for_timeout(300)  # for what a script may still ask for
    yield visit
    context.close()


def figures_in_notebook(name: str) -> int:
    """Number of Plotly figures in the outputs of a page's executed notebook, 0 if it has none."""
    source = (ROOT / notebook(name)).with_suffix(".md")
    if not source.is_file():
        return 0
    (folder,) = SITE.parent.glob(".jupyter_cache-*")
    cache = get_cache(folder)
    runs = [run.pk for run in cache.list_cache_records() if run.uri == str(source)]
    cells = cache.get_cache_bundle(max(runs)).nb.cells if runs else []
    outputs = (output for cell in cells for output in cell.get("outputs", []))
    return sum("application/vnd.plotly.v1+json" in output.get("data", {}) for output in outputs)
