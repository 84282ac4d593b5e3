"""The drawer of a drawn area: from the gate's answers to words, links and files; nothing said that was not answered."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from data.answers import Answer, Question
from layouts.screens import BY_KEY
from layouts.tools import area
from layouts.tools.area_lists import short_m
from layouts.view import ViewState
from tests.fixtures.answers import context
from tests.unit.test_area_answers import WINDOW, Place, place  # noqa: F401

SCREEN, CIRCLE = BY_KEY["overview"], "circle:115.05,26.05,1000"


def drawn(answers: dict[str, Answer], **view: Any) -> str:
    shown = ViewState(tool="area", **{"area": CIRCLE, **view})
    held = context(SCREEN, shown)
    return str(area.TOOL.render(answers, SCREEN, replace(held, names={**held.names, "river:梅江": "梅江"})))


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", html))


@pytest.fixture
def both(place: Place) -> dict[str, Answer]:  # noqa: F811
    return {"inside": place.ask(CIRCLE), "near": place.ask(CIRCLE, "nearest")}


def test_without_an_area_nothing_is_asked_and_the_way_to_draw_one_is_told() -> None:
    assert area.TOOL.asks(SCREEN, ViewState(tool="area")) == {}
    html = drawn({}, area="")
    assert html.count('data-act="draw"') == 4
    assert "在地图上画一个区域" in html
    assert "清除" not in html
    assert "<option>梅江</option>" in html


def test_what_is_asked_follows_the_pin() -> None:
    asked = area.TOOL.asks(SCREEN, ViewState(area=CIRCLE))
    assert (asked["inside"], asked["near"].name) == (Question("area", CIRCLE), CIRCLE)
    assert area.TOOL.asks(SCREEN, ViewState(area=CIRCLE, pin="115.06,26.05"))["near"].name == "115.06,26.05"
    assert area.TOOL.asks(SCREEN, ViewState(area=CIRCLE, pin="asset:f:t1"))["near"].name == CIRCLE


def test_lists_people_and_times_are_told_with_their_rules(both: dict[str, Answer]) -> None:
    said = plain(drawn(both))
    for words in ("半径 1 公里的圆", "3.14 平方公里", "敏感目标 2 处", "学校 2（在校学生 350）；另有 1 处无坐标，未计",
                  "风险隐患 1 处", "应急资源 0 处", "在办事件 2 件", "超期 1 件", "没有路网",
                  "直线距离×1.4÷40 km/h＋出动 5 分", "不按面积拆分", "约 11 分"):
        assert words in said, words
    assert said.index("积水") < said.index("井盖")


def test_nobody_counted_is_unknown_and_the_range_is_said(place: Place) -> None:  # noqa: F811
    wide = place.ask("polygon:114.99,25.99;115.04,25.99;115.04,26.11;114.99,26.11")
    said = plain(drawn({"inside": wide}))
    assert "常住人口 300 人 代表点在区域内的 2 个村合计，不按面积拆分；全部在内的 1 个村 100 人。" in said
    assert "实际介于 100 与 300 之间·2025 年" in said
    none = replace(wide, parts={**wide.parts, "people": {"value": None, "least": None, "most": None, "rows": []}})
    assert "常住人口 未知" in plain(drawn({"inside": none}))
    assert "常住人口" not in plain(drawn({"inside": replace(wide, parts={**wide.parts, "people": None})}))


def test_a_row_is_pinned_by_touching_it_and_taken_off_by_touching_it_again(both: dict[str, Answer]) -> None:
    assert "{&#34;pin&#34;: &#34;115.050000,26.050000&#34;}" in drawn(both)
    on = drawn(both, pin="115.050000,26.050000")
    assert '{&#34;pin&#34;: null}" class="on" aria-current="true"' in on
    assert "从定位点算起" in on


def test_files_ask_the_same_question(both: dict[str, Answer]) -> None:
    html = drawn(both, division="360731100000", window="7d", filters=(("category", "a"),), pin="115.06,26.05")
    links = re.findall(r'href="(/api/v1/area\.\w+\?[^"]+)" download', html)
    assert [link.partition("?")[0][-4:] for link in links] == ["xlsx", ".csv", "json"]
    assert links[0].partition("?")[2].replace("&amp;", "&") == (
        "area=circle%3A115.05%2C26.05%2C1000&division=360731100000&f.category=a&window=7d&near=115.06%2C26.05")


def test_a_wrong_area_is_one_sentence_and_can_be_cleared() -> None:
    html = drawn({"inside": Answer(Question("area", "circle:1"), "", note="圆写成 <b>")}, area="circle:1")
    assert "圆写成 &lt;b&gt;" in html
    assert "清除" in html
    assert "下载" not in html


def test_names_from_feeds_are_text(both: dict[str, Answer]) -> None:
    row = {**both["inside"].rows[0], "name": "<img src=x onerror=alert(1)>", "text": "<b>", "division": "<i>"}
    html = drawn({**both, "inside": replace(both["inside"], rows=(row,))})
    assert "<img" not in html
    assert "<b>·" not in html
    assert "&lt;img" in html


@pytest.mark.parametrize(("meters", "said"), [(0, "0 m"), (999, "999 m"), (1000, "1.0 km"), (19_940, "19.9 km"),
                                              (31_400, "31 km")])
def test_lengths(meters: float, said: str) -> None:
    assert short_m(meters) == said
