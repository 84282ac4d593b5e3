"""Every screen at every size over the real server: ready, nothing fails, and a reader stumbles over nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import WATCH_CSP

from layouts.screens import SCREENS

pytestmark = pytest.mark.browser
LOOK = Path(__file__).with_name("look.js").read_text(encoding="utf-8")
WALLS = ("1920x1080", "3840x2160", "7680x2160")
SIZES = ("1366x768", *WALLS, "390x844")
LEAST_PX, LEAST_TEXTS = 11.5, 40


@pytest.fixture(scope="module")
def tab(chromium):
    """One page for all looks, so that the browser's cache works as on a wall."""
    context = chromium.new_context()
    context.add_init_script(WATCH_CSP)
    page = context.new_page()
    page.said = []
    page.on("console", lambda m: page.said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("response", lambda got: page.said.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    page.on("requestfailed", lambda request: page.said.append(f"{request.failure} {request.url}"))
    yield page
    context.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", [screen.path for screen in SCREENS])
def test_a_reader_stumbles_over_nothing(county, tab, path, size):
    width, height = map(int, size.split("x"))
    tab.goto("about:blank")
    tab.said.clear()
    tab.set_viewport_size({"width": width, "height": height})
    tab.goto(county.url + path)
    tab.wait_for_selector('html[data-ready="true"]', state="attached", timeout=30000)
    found, texts = tab.evaluate(f"given => ({LOOK})(given)", [LEAST_PX, size in WALLS])
    assert tab.said == []
    assert texts >= LEAST_TEXTS
    assert found == []


PLANTED = {
    "overlap": "<div style='position:fixed;left:9px;top:9px'>甲甲甲甲</div>"
               "<div style='position:fixed;left:12px;top:11px'>乙乙乙乙</div>",
    "cut": "<div style='position:absolute;width:40px;height:20px;overflow:hidden'>"
           "<div style='width:200px'>一段放不下的长文字</div></div>",
    "outside": "<div style='position:fixed;left:9px;top:99999px'>窗外</div>",
    "small": "<div style='font-size:9px'>小字</div>",
    "faint": "<div style='color:#222;background:#111'>看不清</div>",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_fault_is_found(tab, kind):
    tab.goto("about:blank")
    tab.set_content(f"<body style='margin:20px'>{PLANTED[kind]}</body>")
    found, _ = tab.evaluate(f"given => ({LOOK})(given)", [LEAST_PX, True])
    assert kind in {row[0] for row in found}
