"""How a page answers while its lab trains: ``python -m tests.benchmarks.lab_page [minutes]``.

On the built book, in Chromium: from Train to the first step, cold and at a second visit; how long
a move of η takes to the engine's next step and to the screen; and the tasks that held the page's
main thread for over 50 ms in ten seconds of training. With minutes, the memory of a lab that trains
so long.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from chrome import FLAGS, chromium  # noqa: E402
from conftest import served  # noqa: E402

CHAPTERS = ("training", "dynamic_learning_rate", "plane")
ROUNDS = 5
SECONDS = 10
VISIT = 5  # s that a first visit goes on after its first step
LONG_RUN = "#lab=1&network=cnn&loss=energy&rule=delta&data=digits&batch=128&epochs=100&steps=0"
# What the page is told by the engine, and when; and what held its main thread.
WATCH = """(() => {
  window.told = []; window.held = [];
  const Real = Worker;
  window.Worker = class extends Real {
    constructor(...given) {
      super(...given);
      this.addEventListener("message",
        ({ data }) => window.told.push([data.type, performance.now()]));
    }
  };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.held.push([entry.startTime, entry.duration]);
  }).observe({ type: "longtask" });
})()"""
# From a key on the slider to the number on the screen, and to the engine's word that it acts.
MOVE = """(slider) => new Promise((resolve) => {
  const field = slider.closest(".gl-dial").querySelector("input[type=number]");
  const before = field.value;
  const began = performance.now();
  slider.value = String(Number(slider.value) - 0.01);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  let drawn = 0;
  const look = () => {
    if (!drawn && field.value !== before) drawn = performance.now() - began;
    const moved = window.told.find(([type, at]) => type === "moved" && at >= began);
    if (drawn && moved) {
      requestAnimationFrame(() => resolve([drawn, moved[1] - began, performance.now() - began]));
    } else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


def opened(page: Page, address: str):
    """The first lab of a page, when it is there and drawn."""
    page.goto(address)
    lab = page.locator(".golden-lab").first
    lab.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.golden-lab').dataset.state === 'shown'")
    page.wait_for_function("document.querySelector('.golden-lab .js-plotly-plot') !== null")
    page.wait_for_timeout(1500)
    return lab


def seconds_to_first_step(page: Page, lab) -> float:
    """From pressing Train until the engine has told of a step."""
    began = page.evaluate("performance.now()")
    lab.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function(
        "(began) => window.told.some(([type, at]) => type === 'records' && at > began)", arg=began
    )
    at = page.evaluate("window.told.find(([type]) => type === 'records')[1]")
    return (at - began) / 1000


def measure(browser, site: str, chapter: str) -> None:
    """Print what one chapter's lab does."""
    address = f"{site}book/{chapter}.html"
    cold, again, moves, held, hold = [], [], [], [], []
    for _ in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(WATCH)
        page = context.new_page()
        cold.append(seconds_to_first_step(page, opened(page, address)))
        page.wait_for_timeout(1000 * VISIT)
        lab = opened(page, address)
        again.append(seconds_to_first_step(page, lab))
        page.wait_for_timeout(1000)
        began = page.evaluate("performance.now()")
        page.wait_for_timeout(1000 * SECONDS)
        long = page.evaluate("(began) => window.held.filter(([at]) => at > began)", began)
        held.append(len(long))
        hold += [duration for _, duration in long]
        slider = lab.locator("input.gl-slider").first
        if chapter != "plane" and slider.count():
            for _ in range(5):
                moves.append(slider.evaluate(MOVE))
                page.wait_for_timeout(300)
        context.close()
    said = f"{chapter}: first step {spread(cold, 's')} cold, {spread(again, 's')} again"
    said += f"; tasks over 50 ms in {SECONDS} s: {held}"
    said += f", longest {max(hold):.0f} ms" if hold else ""
    if moves:
        drawn, acts, both = zip(*moves, strict=True)
        said += f"; a move on screen {spread(drawn, 'ms')}, in the engine {spread(acts, 'ms')}"
        said += f", both {spread(both, 'ms')} (n = {len(moves)})"
    print(f"{said}; load {os.getloadavg()[0]:.1f}", flush=True)


def spread(values, unit: str) -> str:
    """Median, least and greatest."""
    middle = statistics.median(values)
    return f"{middle:.3g} {unit} ({min(values):.3g} to {max(values):.3g})"


def remember(playwright, site: str, minutes: float) -> None:
    """Print the memory of a lab that trains for some minutes, twelve times on the way."""
    with tempfile.TemporaryDirectory() as profile:
        flags = [*FLAGS, "--js-flags=--expose-gc", "--enable-precise-memory-info"]
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium(), args=flags
        )
        page = context.pages[0]
        page.add_init_script(WATCH)
        lab = opened(page, f"{site}book/lab.html{LONG_RUN}")
        train = lab.get_by_role("button", name="Train", exact=True)
        train.click()
        for _ in range(12):
            time.sleep(minutes * 60 / 12)
            if train.count():  # its longest run is over: the next begins
                train.click()
            heap = page.evaluate("(gc(), performance.memory.usedJSHeapSize / 1e6)")
            where = re.sub(r"\s+", " ", lab.locator(".gl-where").inner_text())
            elements = page.evaluate("document.getElementsByTagName('*').length")
            print(
                f"{where}: heap {heap:.0f} MB, renderer {resident(profile):.0f} MB, "
                f"{elements} elements",
                flush=True,
            )
        context.close()


def resident(profile: str) -> float:
    """Megabytes of the renderer, worker and all, of a browser with this profile."""
    listing = subprocess.run(["ps", "-eo", "pid,ppid,rss,args"], capture_output=True, text=True)
    rows = [line.split(None, 3) for line in listing.stdout.splitlines()[1:]]
    roots = {pid for pid, _, _, args in rows if profile in args and "--type=" not in args}
    family = set(roots)
    while more := {pid for pid, parent, _, _ in rows if parent in family} - family:
        family |= more
    sizes = (int(rss) for pid, _, rss, args in rows if pid in family and "=renderer" in args)
    return max(sizes) / 1024


def main() -> None:
    """Measure all chapters, or the memory over some minutes."""
    with served("") as site, sync_playwright() as playwright:
        if len(sys.argv) > 1:
            remember(playwright, site, float(sys.argv[1]))
            return
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for chapter in CHAPTERS:
            measure(browser, site, chapter)
        browser.close()


if __name__ == "__main__":
    main()
