"""Parts of the client one by one: its pure functions, its memory, the first view's JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from driving import stub, value

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
