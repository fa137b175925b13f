"""A picture of a built page, with its figures drawn: to look at what a reader sees.

python tests/browser/shot.py _build/html/book/energy.html energy.png --mode dark --width 360
"""

import argparse
from pathlib import Path

from chrome import FLAGS, Visit, chromium
from playwright.sync_api import sync_playwright


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, help="a file of a built site")
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("--mode", choices=("light", "dark"), default="light")
    parser.add_argument("--width", type=int, default=1280, help="in px; a phone has 360")
    parser.add_argument("--figure", type=int, help="only the figure of this number, from 0")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page(
            viewport={"width": options.width, "height": 900}, color_scheme=options.mode
        )
        page.on("pageerror", lambda error: print(f"error on the page: {error}"))
        page.goto(options.page.resolve().as_uri())
        visit = Visit(page)
        visit.draw_all()
        visit.typeset_all()
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(500)
        if options.figure is None:
            page.screenshot(path=options.picture, full_page=True)
        else:
            page.locator(".golden-figure").nth(options.figure).screenshot(path=options.picture)
        browser.close()


if __name__ == "__main__":
    main()
