"""Driving a page of the stub server: the server, and how a test acts on and waits for the page."""

from __future__ import annotations

import pytest
from stub import County, Stub


@pytest.fixture(scope="module")
def stub():
    found = Stub(County())
    found.dash.bundles.warm()
    found.start()
    yield found
    found.stop()


def value(page, script: str, arg=None):
    return page.evaluate(script, arg)


def until(page, script: str, arg=None, seconds: float = 15.0) -> None:
    page.wait_for_function(script, arg=arg, timeout=seconds * 1000)


def set_view(page, patch: dict) -> None:
    """As a click on an element that carries the patch."""
    value(page, """(patch) => { const b = document.createElement('button'); b.dataset.set = JSON.stringify(patch);
                   document.querySelector('.page').append(b); b.click(); b.remove(); }""", patch)


def settled(page) -> None:
    until(page, "() => document.documentElement.dataset.ready === 'true'")
