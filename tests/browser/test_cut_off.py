"""R6: the network between browsers and server is cut: the last picture stays with its age, and all come back, spread."""

from __future__ import annotations

import time

import pytest
from served import until

pytestmark = pytest.mark.browser
PAGES, CUT_S, BADGE_S, RECOVERY_S, APART_S = 5, 14.0, 10.0, 15.0, 0.2
NETWORK = ["ERR_INTERNET_DISCONNECTED", "ERR_INCOMPLETE_CHUNKED", "net::ERR", "Failed to load resource"]
LOST = "() => /^连接中断，画面停在 .+前$/.test(document.querySelector('#notice').textContent)"
BACK = "() => !document.querySelector('#notice').textContent"
FIGURES = "() => [...document.querySelectorAll('#r-figures .fig')].filter((one) => one.innerText.trim()).length"


def test_a_cut_network_keeps_the_picture_says_its_age_and_all_pages_return_spread(county, pages):
    pages.allow = NETWORK
    until(county.whole, 60, "a whole server")
    opened = [pages.open(county.url, size=(1366, 768)) for _ in range(PAGES)]
    asked: dict[int, float] = {}
    for number, page in enumerate(opened):
        page.wait_for_function("() => yiping.live.streaming()")
        page.on("request", lambda request, number=number: asked.setdefault(number, time.monotonic())
                if "/api/v1/view" in request.url else None)
    for held in pages.contexts:
        held.set_offline(True)
    began = time.monotonic()
    for page in opened:
        page.wait_for_function(LOST, timeout=(BADGE_S - (time.monotonic() - began)) * 1000)
    until(lambda: opened[0].evaluate("() => yiping.live.lostFor()") > CUT_S * 1000, 30, "a long cut")
    assert [page.evaluate(FIGURES) for page in opened] == [6] * PAGES
    asked.clear()
    for held in pages.contexts:
        held.set_offline(False)
    began = time.monotonic()
    for page in opened:
        page.wait_for_function(BACK, timeout=RECOVERY_S * 1000)
    until(lambda: (opened[0].evaluate("() => 0"), len(asked) == PAGES)[1], RECOVERY_S, "a question of each page")
    assert max(asked.values()) - began <= RECOVERY_S
    assert max(asked.values()) - min(asked.values()) >= APART_S, asked
