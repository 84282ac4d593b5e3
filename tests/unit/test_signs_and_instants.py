"""A distance from a limit has its sign everywhere; ages are those of the view's instant; a day has its year."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.answers import Answer, Group, Question
from layouts import mapcards, maplayers, words
from layouts.chrome import feed_counts, kpi
from layouts.panels.profile import fitting
from layouts.plots import Trace, axis, plot
from layouts.regions import regions
from layouts.screen import Figure
from tests.fixtures import answers as invented
from tests.fixtures.panels import BY_KEY, drawn, own

EMERGENCY, OVERVIEW = BY_KEY["emergency"], BY_KEY["overview"]
CONTEXT = invented.context(EMERGENCY)
ZONE = "Asia/Shanghai"
H_US = 3_600_000_000


# --- the sign of a distance from a limit

def river(value: float) -> Answer:
    return replace(invented.invent(Question("metric", "river_over_m")), value=value)


@pytest.mark.parametrize(("value", "figure", "side"), [
    (-3.65, "−3.65", "低于警戒"), (1.41, "+1.41", "超警戒"), (0.004, "0.00", "平警戒")])
def test_the_large_figure_of_a_distance_says_on_which_side_of_the_limit_it_is(value, figure, side):
    html = str(kpi(Figure("river_over_m"), river(value), EMERGENCY, CONTEXT))
    assert f'<div class="fig">{figure}<small>m' in html
    assert side in html
    assert "限值" not in html


@pytest.mark.parametrize(("value", "figure", "title"), [
    (-3.65, "−3.65", "水位站全部低于警戒"), (1.41, "+1.41", "1 个水位站超警戒，甲站最高"),
    (0.0, "0.00", "水位站均未超警戒")])
def test_the_panel_of_stations_has_the_same_sign_and_words(value, figure, title):
    group = Group("a", "甲站", value, 1, {"limit": 100.0})
    html = drawn("emergency", "s1", {"by": replace(river(value), groups=(group,))})
    assert title in html
    assert f"<b>{figure}</b>" in html
    assert "距警戒 m" in html


@pytest.mark.parametrize(("value", "figure"), [(-3.65, "−3.65"), (1.41, "+1.41")])
def test_the_trend_and_the_map_have_the_same_sign(value, figure):
    found = own("emergency", "p3")
    html = drawn("emergency", "p3", {"river": replace(found["river"], value=value)})
    assert f'<div class="fig">{figure}<small>m' in html
    assert words.value(river(value), value) == figure
    assert words.value(replace(river(value), question=Question("metric", "rain_1h")), 1.4) == "1.40"


# --- ages at the view's instant

@pytest.mark.parametrize(("where", "counts"), [({}, True), ({"at": "2026-06-14T22:00"}, False),
                                               ({"start": "2026-06-13", "end": "2026-06-14"}, False)])
def test_a_list_of_overdue_events_shows_the_age_that_the_row_gives(where, counts):
    from layouts.panels import KINDS
    panel = next(panel for panel in EMERGENCY.panels if panel.key == "s6")
    found = {name: invented.invent(question) for name, question in panel.asks.items()}
    row = {**found["list"].rows[0], "due_us": invented.NOW_US - 30 * 24 * H_US, "overdue_s": 2 * 3600}
    found["list"] = replace(found["list"], rows=(row,), total=1)
    context = replace(CONTEXT, view=replace(CONTEXT.view, **where))
    html = str(KINDS["overdue"](panel, found, context))
    assert "02时00分" in html
    assert "30天" not in html
    assert (f'data-since="{row["due_us"]}"' in html) is counts


def test_time_left_is_what_the_row_gives():
    found = own("events", "s6")
    row = {**found["list"].rows[0], "due_us": invented.NOW_US + H_US, "left_s": 1800}
    assert ">30分<" in drawn("events", "s6", {"list": replace(found["list"], rows=(row,))})


def test_a_day_of_another_year_has_its_year():
    now = words.to_us(datetime(2026, 11, 20, 1, 41, tzinfo=UTC))
    then = words.to_us(datetime(2017, 2, 28, 15, 0, tzinfo=UTC))
    assert words.clock_or_day(then, ZONE, now) == "2017-02-28"
    assert words.clock_or_day(now - 48 * H_US, ZONE, now) == "11-18"
    newyear = words.to_us(datetime(2026, 1, 1, 1, 0, tzinfo=UTC))
    assert words.clock_or_day(newyear - 12 * H_US, ZONE, newyear) == "昨 21:00"


# --- the map's key and chips

def test_the_keys_counts_are_those_of_the_discs_and_what_is_nowhere_is_said():
    found = {"1": ("9", "warn"), "2": ("4", "ok"), "3": ("60", "ok")}
    html = str(mapcards.mark_legend(found, 5.0, "乡镇"))
    assert html.count("2 个乡镇") == 1
    assert "另有 5 件未定位到乡镇" in html
    assert "未定位" not in str(mapcards.mark_legend(found, 0.0, "乡镇"))


def test_the_key_has_no_disc_for_a_place_without_anything_to_count():
    found = invented.answers(OVERVIEW)
    groups = tuple(replace(group, value=0.0 if k else 7.0) for k, group in enumerate(found["map.number"].groups))
    found["map.number"] = replace(found["map.number"], groups=groups, unlocated=3.0)
    found["map.warn"] = found["map.att"] = replace(found["map.warn"], groups=())
    html = regions(OVERVIEW, found, invented.context(OVERVIEW))["legends"]
    assert "正常<span class=\"n\">1 个乡镇" in html
    assert "另有 3 件未定位到乡镇" in html


def test_a_switch_says_how_many_have_no_coordinates():
    context = replace(invented.context(OVERVIEW), unplaced={"events": 1204, "camera": 2})
    html = str(maplayers.layer_switches(OVERVIEW, context))
    assert "另有 1,204 件无坐标" in html
    assert "另有 2 处无坐标" in html
    assert html.count("无坐标") == 2


# --- a dead server, lists, and what a wall has room for

def test_the_foot_holds_the_words_that_are_shown_while_nobody_answers():
    rows = invented.invent(Question("feeds")).rows
    assert '<span class="lost-word">连接中断，断前：</span>' in str(feed_counts(rows, CONTEXT))
    css = (Path(__file__).parents[2] / "assets" / "20_base.css").read_text(encoding="utf-8")
    assert ".lost-word{display:none}" in css
    assert ".is-lost .lost-word{display:inline" in css


def test_hazards_stand_by_the_people_they_threaten():
    found = own("emergency", "p6")
    first = found["list"].rows[0]
    rows = tuple({**first, "id": str(n), "name": f"点{n}", "people": n} for n in (5, 72, None, 31))
    html = drawn("emergency", "p6", {"list": replace(found["list"], rows=rows, total=4)})
    assert [html.index(f"点{n}") for n in (72, 31, 5, None)] == sorted(html.index(f"点{n}") for n in (72, 31, 5, None))


def test_chips_that_find_no_room_are_counted_and_not_cut():
    few = tuple((str(k), "长征镇") for k in range(24))
    many = tuple((str(k), "某某社区居委会") for k in range(60))
    assert fitting(few) == few
    kept = fitting(many)
    assert 5 < len(kept) < 30
    context = replace(invented.context(OVERVIEW), children=many)
    from layouts.panels import KINDS
    panel = next(panel for panel in OVERVIEW.panels if panel.kind == "profile")
    html = str(KINDS["profile"](panel, {"card": invented.invent(panel.asks["card"])}, context))
    assert "等 60 个" in html
    assert html.count('class="ctl"') == len(kept)


def test_the_last_value_of_a_line_that_ends_at_the_left_stands_off_the_axis():
    short = plot([Trace("line", [(0.0, 1.0), (0.1, 2.0), (1.0, None)], last="9,625")], axis([1, 2]), [])
    whole = plot([Trace("line", [(0.0, 1.0), (1.0, 2.0)], last="9,625")], axis([1, 2]), [])
    assert "vt end start" in str(short)
    assert "start" not in str(whole)
