"""Every page of the built site in Chromium: it loads from itself alone and shows all it has."""

import json
import re
import time

import yaml
from chrome import PATIENCE
from conftest import ROOT, SITE, figures_in_notebook, notebook, pages

# Marks and axes of a figure without its slider and menus.
VECTORS = """plot => [...plot.querySelectorAll(".cartesianlayer, .polarlayer, .infolayer")]
  .map(layer => {
    const copy = layer.cloneNode(true);
    copy.querySelectorAll(".slider-container, .updatemenu-container").forEach(e => e.remove());
    return copy.innerHTML;
  })
  .join()"""
CONTRAST = """text => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = rgb => {
    const [r, g, b] = rgb.slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = text;
  while (ground && (parts(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0)
    ground = ground.parentElement;
  const pair = [light(parts(getComputedStyle(text).fill)),
                light(parts(getComputedStyle(ground ?? document.body).backgroundColor))];
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
}"""


def test_a_page_loads_all_it_shows_from_its_own_site_without_an_error(seen):
    assert seen.strangers == []
    assert seen.errors == []


def test_every_figure_of_a_chapter_is_drawn(seen, name):
    assert seen.figures() == figures_in_notebook(name)
    for figure in seen.page.locator(".golden-figure").all():
        assert figure.get_attribute("data-state") == "drawn"
        written = json.loads(figure.locator("script").text_content())
        traces = figure.evaluate("f => f.querySelector('.golden-plot')._fullData.length")
        assert traces == len(written["data"]) > 0
        box = figure.locator(".main-svg").first.bounding_box()
        assert box["width"] > 300
        assert box["height"] > 100
        assert figure.get_attribute("aria-label")
        assert figure.locator("figcaption").text_content().strip()


def test_every_formula_of_a_chapter_is_typeset_and_numbered_as_in_its_notebook(seen, name):
    page = seen.page
    assert page.locator("main .math:not(:has(mjx-container))").count() == 0
    assert page.locator("[data-mml-node=merror], mjx-merror, .MathJax_Error").count() == 0
    prose = page.evaluate("""() => {
      const copy = document.querySelector("main").cloneNode(true);
      copy.querySelectorAll("script, pre, code, mjx-container").forEach(e => e.remove());
      return copy.textContent;
    }""")
    assert "$$" not in prose
    assert not re.search(r"\\\(|\\\[|\\begin\{|\\frac", prose)
    numbers = re.findall(r"\(([\d.]+)\)", " ".join(page.locator("main .eqno").all_text_contents()))
    source = ROOT / notebook(name)
    written = source.read_text(encoding="utf-8") if source.is_file() else ""
    assert numbers == re.findall(r"\\tag\{([\d.]+)\}", written)


def test_the_buttons_lead_to_the_notebook_of_the_chapter(seen, name):
    repository = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]
    home, branch = repository["url"].removeprefix("https://github.com/"), repository["branch"]
    menu = seen.page.locator(".dropdown-launch-buttons a")
    links = sorted(menu.evaluate_all("all => all.map(link => link.href)"))
    if not name.startswith("book/"):
        assert links == []
        return
    colab, binder = links
    assert colab.endswith(f"/{home}/blob/{branch}/{notebook(name)}")
    assert binder.endswith(f"/{home}/{branch}?urlpath=lab/tree/{notebook(name)}")
    assert (ROOT / notebook(name)).is_file()


def test_no_page_shuts_out_readers_who_cannot_see_or_point(seen):
    seen.page.add_script_tag(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")
    # Not ours: the theme's search button says "Search Ctrl+K" and is named "Search"; docutils
    # writes bibliography entries into a list.
    found = seen.page.evaluate("""axe.run({exclude: [".citation-list"]}, {
      resultTypes: ["violations"], rules: {"label-content-name-mismatch": {enabled: false}},
    })""")
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in serious] == []


def test_each_slider_and_menu_of_a_figure_changes_the_drawing(seen):
    for figure in seen.page.locator(".golden-figure").all():
        layout = json.loads(figure.locator("script").text_content())["layout"]
        figure.scroll_into_view_if_needed()
        for index, slider in enumerate(layout.get("sliders", [])):
            end = 0.02 if slider.get("active", 0) > len(slider["steps"]) / 2 else 0.98
            moved(figure, drag, index, end)
        for index, menu in enumerate(layout.get("updatemenus", [])):
            moved(figure, choose, index, menu)


def moved(figure, act, *how) -> None:
    """The drawing is another one after `act(figure, *how)`."""
    before = drawing(figure)
    act(figure, *how)
    end = time.monotonic() + PATIENCE / 1000
    while drawing(figure) == before:
        assert time.monotonic() < end, f"{act.__name__} {how} changes nothing"


def drawing(figure) -> tuple[str, list[bytes]]:
    """What a figure shows: its vector graphics as text, what WebGL painted as pictures."""
    figure.page.mouse.move(0, 0)  # no hover label
    painted = [layer.screenshot() for layer in figure.locator("canvas:visible").all()]
    return figure.locator(".golden-plot").evaluate(VECTORS), painted


def drag(figure, index: int, share: float) -> None:
    """Press a slider at a share of its length."""
    rail = figure.locator(".slider-group").nth(index).locator(".slider-rail-touch-rect")
    rail.scroll_into_view_if_needed()
    box = rail.bounding_box()
    figure.page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def choose(figure, index: int, menu: dict) -> None:
    """Press an entry of a menu that is not the active one: the last, or else the first."""
    last = len(menu["buttons"]) - 1
    wanted = 0 if menu.get("active", 0) == last else last
    if menu.get("type") == "buttons":
        figure.locator(".updatemenu-button").nth(wanted).click(force=True)
        return
    figure.locator(".updatemenu-header").nth(index).click(force=True)
    figure.locator(".updatemenu-dropdown-button").nth(wanted).click(force=True)


def test_the_texts_of_figures_are_readable_in_both_modes(seen):
    """The theme's switch is pressed on the open page: drawn figures follow it."""
    texts = seen.page.locator(".golden-figure").locator(".xtick text, .slider-current-value")
    for mode in ("light", "dark"):
        switch_to(seen.page, mode)
        end = time.monotonic() + PATIENCE / 1000
        while faint := [text for text in texts.all() if text.evaluate(CONTRAST) < 4.5]:
            assert time.monotonic() < end, f"{faint[0].text_content()!r} is faint in {mode} mode"
            time.sleep(0.2)


def switch_to(page, mode: str) -> None:
    """Press the theme's switch, auto, light and dark in a circle, until the mode is there."""
    for _ in range(3):
        if page.locator("html").get_attribute("data-mode") == mode:
            break
        page.locator("button.theme-switch-button:visible").first.click()
    assert page.locator("html").get_attribute("data-theme") == mode


def test_no_page_scrolls_sideways_on_a_phone(seen):
    seen.page.set_viewport_size({"width": 360, "height": 740})
    seen.page.wait_for_timeout(500)  # Plotly resizes after a pause
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360
    for part in seen.page.locator(".golden-figure .main-svg, .golden-title").all():
        assert part.bounding_box()["width"] <= 360


def test_the_site_runs_from_a_folder_without_a_server(browser):
    name = next(n for n in pages() if n.startswith("book/") and figures_in_notebook(n))
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((SITE / name).as_uri())
    page.locator(".golden-figure").first.scroll_into_view_if_needed()
    page.locator(".golden-figure[data-state=drawn]").first.wait_for(timeout=PATIENCE)
    assert errors == []
    page.close()


def test_the_front_door_leads_to_the_first_chapter(browser, site):
    page = browser.new_page()
    page.goto(site)
    page.wait_for_url(f"{site}book/introduction.html")
    page.close()


def test_every_chapter_of_the_table_of_contents_has_its_page():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    wanted = {f"{chapter}.html" for chapter in re.findall(r"(?:root|file): (\S+)", toc)}
    assert wanted == {page for page in pages() if page.startswith("book/")}
