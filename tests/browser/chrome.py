"""The machine's Chromium, and a page that is open in it."""

import shutil
from dataclasses import dataclass, field

from playwright.sync_api import Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Software WebGL, so that 3-D figures are drawn on machines without a GPU; no traffic of its own.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
)  # fmt: skip
# WebGPU by the same software: right, and slow.
WEBGPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
PATIENCE = 60_000  # ms, for one figure on a busy machine without a GPU


@dataclass
class Visit:
    """An open page and everything that went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def figures(self) -> int:
        return self.page.locator(".golden-figure").count()

    def draw_all(self) -> None:
        """Scroll through the page so that each figure is drawn."""
        for index in range(self.figures()):
            figure = self.page.locator(".golden-figure").nth(index)
            figure.scroll_into_view_if_needed()
            self.page.wait_for_function(
                "figure => ['drawn', 'failed'].includes(figure.dataset.state)",
                arg=figure.element_handle(), timeout=PATIENCE,
            )  # fmt: skip

    def typeset_all(self) -> None:
        """Wait until MathJax has done the page."""
        self.page.evaluate("() => window.MathJax?.startup?.promise")


def chromium() -> str:
    """Path of the machine's Chromium.

    Raises:
        RuntimeError: if it has none.
    """
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        raise RuntimeError(f"one of {', '.join(CHROMIUM)} must be installed")
    return program
