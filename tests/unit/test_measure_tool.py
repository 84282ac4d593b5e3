"""The drawer of measures: figures of the ellipsoid as readers write them, nonsense of an address told in one line."""

from __future__ import annotations

import pytest

from geo import measuring
from layouts.regions import regions
from layouts.screens import BY_KEY
from layouts.tools import measure
from layouts.view import ViewState
from tests.fixtures.answers import answers, context

RING = "115.3,25.8;115.5,25.8;115.5,26.0"


def drawn(text: str) -> str:
    screen, view = BY_KEY["overview"], ViewState(tool="measure", measure=text)
    return regions(screen, answers(screen, view=view), context(screen, view))["tool"]


def test_a_line_and_a_ring_have_their_sums_and_legs():
    points = measuring.parse(f"line:{RING}").points
    line, ring = drawn(f"line:{RING}"), drawn(f"area:{RING}")
    assert f"<b>{measuring.length_m(points) / 1000:,.3f} 千米</b>" in line
    assert f"<b>{measuring.area_m2(points) / 1e6:,.1f} 平方千米</b>" in ring
    assert (line.count("<tr>"), ring.count("<tr>")) == (4, 5)
    assert "回到 1" in ring
    assert "亩" in ring


def test_an_empty_tool_says_how_it_is_used_with_mouse_and_keyboard():
    html = drawn("")
    assert "单击" in html
    assert "键盘" in html
    assert "清除" not in html


@pytest.mark.parametrize(("text", "words"), [
    ("area:115,25;116,26;115,26;116,25", "自相交"), ("line:25.9,115.4;1,2", "measure 看不懂"),
    ("line:nan,nan;1,2", "看不懂"), ("line:1e400,2", "看不懂"), ("circle:1", "看不懂"), ("line:1,2,3", "看不懂"),
    ("line:" + "115,25;" * 300, "最多 200"), ("line:<img src=x>", "&lt;img src=x&gt;")])
def test_an_address_that_measures_nonsense_says_so(text, words):
    assert words in drawn(text)


def test_lengths_and_areas_read_well():
    assert measure.length_words(0.04) == "0.0 米"
    assert measure.length_words(999.94) == "999.9 米"
    assert measure.length_words(12345.6) == "12.346 千米"
    assert measure.area_words(5000) == "5,000 平方米"
    assert measure.area_words(2.5e6) == "2.500 平方千米"
    assert measure.area_words(2.8926e9) == "2,892.6 平方千米"
    assert measure.mu_words(2000 / 3) == "合 1.0 亩"
