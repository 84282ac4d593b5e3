"""Chromium for tests: one browser a session, a fresh context a test; console errors and CSP violations fail it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from served import Served, until
from stub import County, Stub

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
        "--disable-quic", "--no-first-run", "--disable-sync"]
WATCH_CSP = ("document.addEventListener('securitypolicyviolation', (e) => "
             "console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI));")


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """The system's Chromium; missing = skip here, failure in CI."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; install the package `chromium` or set CHROMIUM")
        pytest.skip("Chromium is missing")
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


class Watched:
    """Pages of one test and what their consoles said. `allow` names pieces of errors that a test provokes."""

    def __init__(self, browser) -> None:
        self.browser, self.said, self.allow, self.contexts = browser, [], [], []

    def open(self, url: str = "", size: tuple[int, int] = (1366, 768), ready: bool = True, **context):
        held = self.browser.new_context(viewport={"width": size[0], "height": size[1]}, **context)
        self.contexts.append(held)
        held.add_init_script(WATCH_CSP)
        page = held.new_page()
        page.on("console", lambda m: self.said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.said.append(str(e)))
        if url:
            page.goto(url)
            if ready:
                page.wait_for_selector('html[data-ready="true"]', state="attached", timeout=30000)
        return page

    def close(self) -> list[str]:
        for held in self.contexts:
            held.close()
        return [text for text in self.said if not any(piece in text for piece in self.allow)]


@pytest.fixture
def stubs() -> Iterator[Callable[[County], Stub]]:
    """Starts stub servers for one test; they end after the pages that look at them."""
    begun: list[Stub] = []

    def start(county: County) -> Stub:
        begun.append(Stub(county))
        begun[-1].dash.bundles.warm()
        return begun[-1].start()

    yield start
    for one in begun:
        one.stop()


@pytest.fixture
def pages(chromium, stubs) -> Iterator[Watched]:
    """Opens pages; at the end their consoles must be clean."""
    watched = Watched(chromium)
    yield watched
    assert watched.close() == []


@pytest.fixture(scope="session")
def county(tmp_path_factory) -> Iterator[Served]:
    """The demo county, served for the whole session as a user starts it."""
    found = Served(tmp_path_factory.mktemp("county"))
    try:
        yield found.start()
    finally:
        found.stop()


@pytest.fixture
def quiet(county):
    """The county with its simulator standing still: nothing changes but what the test does."""
    until(county.whole, 60, "a whole server")
    county.hold("simulator", still=True)
    yield county
    county.hold("simulator", still=False)
