"""Parts of the client one by one: its pure functions, its memory, the first view's JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from driving import settled, stub, until, value

__all__ = ["stub"]
pytestmark = pytest.mark.browser


def test_pure_functions_of_the_client(stub, pages):
    page = pages.open(stub.url)
    assert value(page, (Path(__file__).parent / "vectors.js").read_text(encoding="utf8").partition("*/")[2]) == []


def test_the_memory_of_answers_is_bounded(stub, pages):
    page = pages.open(stub.url)
    size = value(page, """() => { for (let k = 0; k < 200; k += 1) yiping.answers.keep('q' + k, {feeds: []}, 0);
                          return yiping.answers.size() }""")
    assert size == 50


def test_first_view_json_cannot_leave_its_element(stub, pages):
    page = pages.open(stub.url)
    first = json.loads(page.locator("#first-view").text_content())
    assert first["screen"] == "overview"
    assert "regions" not in first


def test_a_resting_mouse_fetches_ahead_and_the_click_asks_no_second_time(stub, pages):
    page = pages.open(stub.url, size=(1920, 1080))
    asked = []
    page.on("request", lambda request: "/api/v1/view?" in request.url and asked.append(request.url))
    link = page.locator("#r-nav a[href^='/economy']")
    with page.expect_response(lambda response: "screen=economy" in response.url):
        link.hover()
    assert "/economy" not in page.url
    assert page.locator(":root").get_attribute("data-ready") == "true"
    link.click()
    until(page, "() => yiping.state.at.screen === 'economy'")
    settled(page)
    assert len(asked) == 1
