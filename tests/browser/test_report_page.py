import json
import shutil
from pathlib import Path

import pytest

from vauban.reports import FORMATS

pytestmark = pytest.mark.browser
FIXTURES = Path(__file__).parents[1] / "fixtures"
CHROMIUM = shutil.which("chromium")
LONG = "A" * 2000
# Contrast of every visible text with the nearest painted background, after WCAG 2.2 (relative luminance).
CONTRAST = """() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const box = e.matches('g.box') && parse(getComputedStyle(e.querySelector('rect')).fill);
      if (box && box.length === 3) return box;
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const out = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || ['STYLE', 'title', 'desc'].includes(e.tagName)) continue;
    const style = getComputedStyle(e);
    const ink = parse(e instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const [high, low] = [luminance(ink), luminance(ground(e))].sort((x, y) => y - x);
    const where = `${e.tagName}.${e.getAttribute('class')}: ${e.textContent.trim().slice(0, 30)}`;
    out.push([(high + 0.05) / (low + 0.05), where]);
  }
  return out;
}"""
OUTSIDE = """() => [...document.querySelectorAll('.flow .wide .box')].flatMap(box => {
  const frame = box.querySelector('rect').getBoundingClientRect();
  const beyond = r => r.right > frame.right || r.bottom > frame.bottom + 1;
  return [...box.querySelectorAll('text')].filter(t => beyond(t.getBoundingClientRect())).map(t => t.textContent);
})"""


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install vauban[browser]"
    )
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the path")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield running
        running.close()


@pytest.fixture(scope="module", params=["spam", "credit", "degenerate", "retrained", "long"])
def page_file(request, tmp_path_factory):
    name = "credit" if request.param == "long" else request.param
    result = json.loads((FIXTURES / f"result_{name}.json").read_text(encoding="utf-8"))
    if request.param == "long":
        finding = result["findings"][0]
        finding["title"] = finding["description"] = result["model"]["name"] = result["command"] = LONG
        finding["cost"]["unit"] = finding["examples"][0]["changes"][0]["field"] = LONG
        finding["examples"][0]["changes"][0]["after"] = result["exploration"][0]["features"][0]["name"] = LONG
        result["threats"][0]["where"] = result["verdict"]["headline"] = result["data"]["source"] = LONG[:200]
    path = tmp_path_factory.mktemp("report") / f"{request.param}.html"
    path.write_text(FORMATS["html"](result), encoding="utf-8")
    return path


@pytest.fixture
def visit(browser, page_file):
    opened = []

    def open_page(**options):
        context = browser.new_context(**options)
        page = context.new_page()
        heard = {"console": [], "requests": []}
        page.on("console", lambda message: heard["console"].append(message.text))
        page.on("pageerror", lambda error: heard["console"].append(str(error)))
        page.on("request", lambda request: heard["requests"].append(request.url))
        page.goto(page_file.as_uri())
        opened.append(context)
        return page, heard

    yield open_page
    for context in opened:
        context.close()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_fits_its_window_and_asks_for_nothing(visit, page_file, width):
    page, heard = visit(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        "w => [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > w + 1)"
        ".map(e => e.tagName + '.' + e.getAttribute('class'))",
        width,
    )
    assert wide == []
    assert heard == {"console": [], "requests": [page_file.as_uri()]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(visit, scheme):
    page, _ = visit(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    measured = page.evaluate(CONTRAST)
    assert len(measured) > 100
    assert [entry for entry in measured if entry[0] < 4.5] == []


def test_dark_follows_the_system_and_paper_stays_white(visit):
    page, _ = visit(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(18, 22, 28)"
    page.emulate_media(media="print")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(26, 33, 43)"


def test_one_picture_of_the_threat_model_at_a_time(visit):
    shown = (
        "[...document.querySelectorAll('.flow svg')].filter(e => e.getClientRects().length).map(e => e.classList[0])"
    )
    assert visit(viewport={"width": 1280, "height": 800})[0].evaluate(shown) == ["wide"]
    assert visit(viewport={"width": 360, "height": 800})[0].evaluate(shown) == ["tall"]


def test_texts_of_the_picture_stay_in_their_boxes(visit):
    page, _ = visit(viewport={"width": 1280, "height": 800})
    assert page.evaluate(OUTSIDE) == []


def test_it_prints(visit):
    page, _ = visit()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF-")
