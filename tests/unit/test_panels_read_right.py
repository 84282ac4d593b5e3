"""Panels that had nothing to show, a color without a shape, or a list without what matters first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_engine import NOW, ROOT, H

from data.answers import Answer, Change, Group, Point, Question
from layouts.chrome import kpi
from layouts.links import near
from layouts.panels import KINDS
from layouts.screen import Figure, Panel
from tests.fixtures import answers as invented
from tests.fixtures.panels import BY_KEY, drawn, own

CONTEXT = invented.context(BY_KEY["overview"])


def test_a_ranked_bar_with_a_states_color_has_its_shape_too():
    panel = Panel("p", "p1", "在办", "C4", "ranking", {"by": Question("metric", "open_events", by="children")})
    groups = (Group("1", "甲", 3.0, 3, {"state": "alarm"}), Group("2", "乙", 1.0, 1, {"state": "ok"}))
    answer = Answer(panel.asks["by"], "在办", "件", 4.0, freshness="live", time=NOW, groups=groups, at_division=ROOT)
    html = str(KINDS["ranking"](panel, {"by": answer}, CONTEXT))
    assert html.count("#s-alarm") == 1
    assert "#s-ok" not in html


@pytest.mark.parametrize("kind", ["ranking", "trend"])
def test_nothing_but_zeros_is_said_and_not_drawn(kind):
    question = Question("metric", "rain_1h", by="children" if kind == "ranking" else "hour")
    panel = Panel("p", "p1", "降雨", "M1", kind, {"by": question}, options={"bars": True, "plain_title": True})
    answer = Answer(question, "雨量", "mm", 0.0, decimals=1, freshness="live", time=NOW, at_division=ROOT,
                    groups=(Group("1", "甲", 0.0), Group("2", "乙", 0.0)),
                    series=(Point(NOW - H, 0.0), Point(NOW, 0.0)))
    html = str(KINDS[kind](panel, {"by": answer}, CONTEXT))
    assert "均为 0.0 mm" in html
    assert 'class="bar"' not in html
    assert "<path class=" not in html


def test_silent_devices_are_counted_by_kind():
    question = Question("metric", "device_online_rate", by="layer")
    panel = Panel("p", "s3", "感知终端", "Q2", "bars", {"by": question}, options={"lowest": True, "silent": True})
    groups = (Group("gas", "燃气监测", 97.0, 200), Group("lamp", "智慧路灯", 100.0, 50))
    answer = Answer(question, "在线率", "%", 97.6, n=250, freshness="live", time=NOW, groups=groups, at_division=ROOT)
    html = str(KINDS["bars"](panel, {"by": answer}, CONTEXT))
    assert "感知终端 250 台，6 台静默" in html
    assert "6 / 200" in html
    assert "0 / 50" in html


def test_late_projects_stand_first_and_are_counted():
    found = own("economy", "s4")
    rows = [{**row, "late": k == 5} for k, row in enumerate(found["list"].rows)]
    html = drawn("economy", "s4", {"list": replace(found["list"], rows=tuple(rows))})
    assert "1 个滞后" in html
    assert html.index('title="滞后"') < html.index(str(rows[0]["name"]))


def test_few_warnings_say_what_they_ask_for():
    row = {"id": "w", "kind": "大雾", "level": "yellow", "headline": "大雾黄色预警", "detail": "请谨慎驾驶",
           "active": True, "sent_us": invented.NOW_US - 10**9, "divisions": [],
           "expires_us": invented.NOW_US + 3_600_000_000}
    answer = Answer(Question("warnings"), "预警", freshness="live", time=NOW, rows=(row,), at_division=ROOT)
    html = drawn("overview", "p3", {"list": answer})
    assert "请谨慎驾驶" in html
    assert "余 1 小时 0 分" in html


def test_a_place_inside_the_shown_division_is_named_without_it_and_never_too_long():
    inside = replace(CONTEXT, chain=(("2", "东村委会"), ("1", "甲镇"), ("0", "县")))
    assert near(inside, "东村委会第02网格") == "第02网格"
    assert near(inside, "东村委会") == "东村委会"
    assert near(inside, "很长很长很长的地名") == "很长很长很…"


def test_a_borrowed_figure_says_whose_it_is_and_not_a_time_that_has_no_room():
    answer = Answer(Question("metric", "aqi"), "AQI", "", 59.0, freshness="live", time=NOW, at_division="1",
                    change=Change("较昨日", 2.0, ""))
    inside = replace(CONTEXT, chain=(("2", "东村"), ("1", "甲镇"), ("0", "县")),
                     view=replace(CONTEXT.view, division="2"))
    html = str(kpi(Figure("aqi"), answer, BY_KEY["overview"], inside))
    second = html.rpartition('<div class="note q"')[2]
    assert "数据为甲镇级" in second
    assert "fr-live" in second
    assert ":00" not in second.partition(">")[2]


def test_a_borrowed_row_names_the_level_beside_a_name_that_stays_whole():
    screen = BY_KEY["overview"]
    panel = next(panel for panel in screen.panels if panel.kind == "vitals")
    view = replace(CONTEXT.view, division="999900101001")
    chain = ((CONTEXT.place.code, "样例县"), ("999900101000", "东川镇"), ("999900101001", "甲村"))
    found = {name: replace(invented.invent(question), name="感知设备在线率", at_division="999900101000")
             for name, question in panel.asks.items()}
    text = str(KINDS["vitals"](panel, found, replace(CONTEXT, view=view, chain=chain)))
    assert '感知设备在线率 <span class="tag">乡镇</span>' in text
    assert 'title="感知设备在线率：数据为东川镇级"' in text
