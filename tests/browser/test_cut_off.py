"""R6: the network between browsers and server is cut: the last picture stays with its age; all return, spread."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from cutting import Network
from served import until

pytestmark = pytest.mark.browser
PAGES, CUT_S = int(os.environ.get("PAGES", "5")), float(os.environ.get("CUT_S", "14"))
# Fifty viewers come back over three seconds or more, a few by chance closer together.
BADGE_S, RECOVERY_S, APART_S = 10.0, 15.0, 3.0 if PAGES >= 50 else 0.2
NETWORK = ["ERR_INTERNET_DISCONNECTED", "ERR_INCOMPLETE_CHUNKED", "net::ERR", "Failed to load resource"]
LOST = "() => /^连接中断，画面停在 .+前$/.test(document.querySelector('#notice').textContent)"
BACK = "() => !document.querySelector('#notice').textContent"
# When the notice came, and when the page first asked for its figures after it had been lost.
NOTED = """() => { const began = Date.now(); let lost = false;
  new MutationObserver(() => { if (document.querySelector('#notice').textContent && !lost) {
    lost = true; window.lostAfter = Date.now() - began; } }).observe(document.querySelector('#notice'),
    {childList: true, characterData: true, subtree: true});
  const refresh = yiping.view.refresh;
  yiping.view.refresh = (...all) => { if (lost && !document.documentElement.classList.contains('is-lost'))
    window.askedAgain = window.askedAgain || Date.now(); return refresh(...all); }; }"""
FIGURES = "() => [...document.querySelectorAll('#r-figures .fig')].filter((one) => one.innerText.trim()).length"


@pytest.fixture
def network(county) -> Iterator[Network]:
    found = Network(county.port)
    yield found
    found.close()


def test_a_cut_network_keeps_the_picture_says_its_age_and_all_pages_return_spread(county, network, pages):
    pages.allow = NETWORK
    until(county.whole, 60, "a whole server")
    opened = [pages.open(network.url) for _ in range(PAGES)]
    for page in opened:
        page.wait_for_function("() => yiping.live.streaming()")
    network.cut()
    for page in opened:
        page.evaluate(NOTED)
    for page in opened:
        page.wait_for_function(LOST, timeout=30000)
        assert page.evaluate("() => window.lostAfter") <= BADGE_S * 1000
    opened[0].wait_for_function(f"() => yiping.live.lostFor() > {CUT_S * 1000}", timeout=CUT_S * 1000 + 16000)
    assert [page.evaluate(FIGURES) for page in opened] == [6] * PAGES
    network.mend()
    for page in opened:
        page.wait_for_function(BACK, timeout=RECOVERY_S * 1000)
        page.wait_for_function("() => window.askedAgain", timeout=RECOVERY_S * 1000)
    asked = [page.evaluate("() => window.askedAgain") for page in opened]
    assert (max(asked) - min(asked)) / 1000 >= APART_S, asked
