"""Comparing: the grammar, windows of before, differences, shared classes, both sides' cards, divisions in a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.difference import Differences, differences, middle_step
from api.compare import other_of
from data.answers import Answer, Group, Point, Question, Window
from data.clock import to_us
from data.errors import WrongInput
from data.windows import before, earlier, instant
from layouts.choropleth import shade
from layouts.compared import Column, Comparison, Line, Side
from layouts.comparing import Asked, asked, codes_of, with_division, without_division
from layouts.division_table import ranked, shared_span, table
from layouts.paired import pooled, shade_difference
from layouts.plots import spark
from layouts.regions import body_class, regions
from layouts.screens import BY_KEY
from layouts.sidecards import legends, strip
from layouts.view import ViewState
from tests.fixtures import answers as invented

ZONE, SCREEN = "Asia/Shanghai", BY_KEY["overview"]
A, B, C, D = (code for code, _ in invented.CHILDREN[:4])
NAMES = dict(invented.CHILDREN)


def answer(values: dict[str, float | None], unit: str = "件", decimals: int = 0, metric: str = "open_events",
           **more) -> Answer:
    groups = tuple(Group(code, NAMES[code], value) for code, value in values.items())
    return Answer(Question("metric", metric, "children"), "在办事件", unit, 1.0, decimals=decimals, groups=groups,
                  time=invented.NOW, source="县城市运行中心", freshness="live", cadence_s=300,
                  parts={"level": "township", **more})


def compared(now: Answer, then: Answer, look: str = "side", text: str = "at:yesterday") -> Comparison:
    sides = (Side("现在", "现在", "11-19 09:00 至 11-20 09:00", {"map": now}),
             Side("昨天此时", "昨天此时 11-19 09:00", "11-18 09:00 至 11-19 09:00", {"map": then}))
    return Comparison(asked(text), look, sides, places=NAMES)


def context(found: Comparison | None, **view):
    shown = ViewState(**{"screen": "overview", "division": invented.ROOT} | view)
    return replace(invented.context(SCREEN, shown), compared=found)


@pytest.mark.parametrize("text", ["at:2026-11-20T08:00", "at:yesterday", "window:7d", "span:2026-11-01~2026-11-08",
                                  "metric:aqi", f"divisions:{A},{B}", "divisions:"])
def test_a_comparison_comes_back_as_it_was_read(text):
    assert asked(text).text == text


@pytest.mark.parametrize("text", ["at", "at:", "nothing:1", "span:2026-11-01", "span:~", "<img src=x>", "metric:"])
def test_what_is_no_comparison_is_said_in_a_sentence(text):
    with pytest.raises(WrongInput, match="请"):
        asked(text)


def test_at_most_four_divisions():
    with pytest.raises(WrongInput, match="最多同时对比 4 个区划，现有 5 个；请移除 1 个"):
        asked("divisions:1,2,3,4,5")
    assert asked("divisions:1,1, 2,").words == ("1", "2")


def test_divisions_go_in_and_out():
    assert with_division("at:yesterday", A) == f"divisions:{A}"
    assert with_division(f"divisions:{A}", A) == f"divisions:{A}"
    assert with_division(f"divisions:{A},{B},{C},{D}", "5") == f"divisions:{A},{B},{C},{D}"
    assert without_division(f"divisions:{A},{B}", A) == f"divisions:{B}"
    assert codes_of("at:yesterday") == ()


@pytest.mark.parametrize(("word", "then"), [
    ("yesterday", (2026, 3, 30, 4)), ("last_week", (2026, 3, 24, 4)), ("last_month", (2026, 2, 28, 4)),
    ("last_year", (2025, 3, 31, 4))])
def test_the_same_local_time_before(word, then):
    assert earlier(datetime(2026, 3, 31, 4, tzinfo=UTC), word, ZONE) == datetime(*then, tzinfo=UTC)


def test_a_leap_day_has_a_year_before_and_other_words_are_refused():
    assert earlier(datetime(2028, 2, 29, 1, tzinfo=UTC), "last_year", ZONE) == datetime(2027, 2, 28, 1, tzinfo=UTC)
    with pytest.raises(WrongInput):
        earlier(datetime(2028, 2, 29, tzinfo=UTC), "tomorrow", ZONE)


def test_a_window_before():
    span = Window(datetime(2026, 11, 13, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC), "7d")
    found = before(span, "previous", ZONE)
    assert (found.start, found.end, found.name) == (datetime(2026, 11, 6, tzinfo=UTC), span.start, "")
    assert before(span, "last_month", ZONE).end == datetime(2026, 10, 20, tzinfo=UTC)
    short = Window(datetime(2026, 3, 30, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))
    with pytest.raises(WrongInput, match="请自选"):
        before(short, "last_month", ZONE)


@pytest.mark.parametrize(("word", "span", "then"), [
    ("last_month", ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-03-01")),
    ("last_month", ("2026-12-01", "2026-12-31"), ("2026-11-01", "2026-12-01")),
    ("last_month", ("2026-05-01", "2026-05-31"), ("2026-04-01", "2026-05-01")),
    ("last_month", ("2026-10-30", "2026-10-31"), ("2026-09-30", "2026-10-01")),
    ("last_month", ("2026-03-01", "2026-04-01"), ("2026-02-01", "2026-03-01")),
    ("last_month", ("2026-03-01", "2026-03-28"), ("2026-02-01", "2026-02-28")),
    ("last_year", ("2028-02-01", "2028-02-29"), ("2027-02-01", "2027-03-01"))])
def test_the_end_of_a_window_before_keeps_the_last_day_of_a_shorter_month(word, span, then):
    found = before(Window(*(instant(text, ZoneInfo(ZONE), "t") for text in span)), word, ZONE)
    assert tuple(moment.astimezone(ZoneInfo(ZONE)).date().isoformat() for moment in (found.start, found.end)) == then


def test_what_rose_and_fell():
    found = differences({A: 3.0, B: 1.0, C: None, D: 2.04}, {A: 1.0, B: 4.0, C: 5.0, D: 2.0, "x": 1.0}, 1)
    assert found.of == {A: 2.0, B: -3.0, C: None, D: 0.0, "x": None}
    assert (found.rises, found.falls, found.counts) == (((A, 2.0),), ((B, -3.0),), (1, 1, 1, 2))


VALUES = st.dictionaries(st.sampled_from([A, B, C, D]), st.none() | st.floats(-1e9, 1e9), max_size=4)


@given(VALUES, VALUES, st.integers(0, 2))
def test_every_place_is_counted_once_and_a_shade_tells_its_sign(now, then, decimals):
    found = differences(now, then, decimals)
    assert sum(found.counts) == len(set(now) | set(then))
    shading = shade_difference(found, answer({}, decimals=decimals))
    signs = {"d0": -1, "d1": -1, "d2": 0, "d3": 1, "d4": 1}
    for code, (at, text) in shading.values.items():
        step = found.of[code]
        assert signs.get(shading.tokens[at]) == (None if step is None else (step > 0) - (step < 0)), text
    assert sum(count for _, _, count in shading.legend) == len(found.of)


@pytest.mark.parametrize(("steps", "border"), [((8, -3), 4.0), ((1, -1), 0.0), ((3, 1), 2.0), ((870, -12), 430.0)])
def test_a_large_change_is_half_of_the_largest(steps, border):
    assert middle_step(Differences(dict(enumerate(map(float, steps)))), 0) == border


def test_the_difference_of_rates_is_in_points():
    found = shade_difference(differences({A: 97.5, B: 90.0}, {A: 95.0, B: 90.0}, 1), answer({}, "%", 1))
    assert (found.values[A][1], found.values[B]) == ("+2.5 百分点", (2, "持平"))


def test_both_sides_share_breaks_and_colors():
    low, high = answer({A: 1.0, B: 2.0, C: 3.0, D: None}), answer({A: 10.0, B: 20.0, C: 30.0, D: 40.0})
    alone, (left, right) = shade(low), pooled([low, high])
    assert left.tokens == right.tokens
    assert [row[:2] for row in left.legend] == [row[:2] for row in right.legend]
    assert left.values != alone.values, "the low side alone would be as bright as the high one"
    assert max(at for code, (at, _) in left.values.items() if code != D) <= min(at for at, _ in right.values.values())
    for answered, side in ((low, left), (high, right)):
        assert sum(count for _, _, count in side.legend) == len(answered.groups) == len(side.values)


def test_declared_breaks_hold_for_both_sides():
    left, right = pooled([answer({A: 3.0}, breaks=[5, 20]), answer({A: 25.0}, breaks=[5, 20])])
    assert [word for _, word, _ in left.legend] == [word for _, word, _ in right.legend] == ["≥ 20", "5–19", "< 5"]


def test_a_comparison_draws_its_sides_and_one_act_leads_back():
    found = compared(answer({A: 3.0, B: 1.0}), answer({A: 1.0, B: 4.0}))
    html = str(strip(context(found, compare="at:yesterday")))
    for told in ("现在", "昨天此时 11-19 09:00", "11-18 09:00 至 11-19 09:00", "县城市运行中心", "并排", "滑动",
                 "差值"):
        assert told in html
    assert "{&#34;compare&#34;: null, &#34;split&#34;: null, &#34;cut&#34;: null}" in html
    assert html.count('data-fresh="live"') == 2
    assert "两侧同一分级" in legends(found, "乡镇")
    assert body_class(SCREEN, ViewState(), found).endswith(" look-side")
    assert body_class(SCREEN, ViewState(), Comparison(None, problem="比不了")).endswith(" sides-bad")


def test_the_difference_says_counts_and_lists_both_ways():
    found = compared(answer({A: 3.0, B: 1.0, C: 2.0, D: None}), answer({A: 1.0, B: 4.0, C: 2.0, D: 1.0}), "difference")
    assert "升 1·降 1·平 1·未知 1" in legends(found, "乡镇")
    made = regions(SCREEN, invented.answers(SCREEN), context(found, compare="at:yesterday", tool="compare"))
    assert "上升最多" in made["tool"]
    assert "下降最多" in made["tool"]
    assert "+2" in made["tool"]
    assert "−3" in made["tool"]
    assert "持平" in made["legends"]


def test_two_metrics_have_legends_of_their_own_and_are_not_subtracted():
    rate = answer({A: 90.0}, "%", metric="on_time_rate")
    found = compared(answer({A: 3.0}), rate, "difference", "metric:on_time_rate")
    assert (found.subtracts, found.drawn, found.differences.of) == (False, "side", {})
    assert legends(found, "乡镇").count("<h3>") == 2
    assert "差值" not in strip(context(found, compare="metric:on_time_rate"))
    made = regions(SCREEN, invented.answers(SCREEN), context(found, compare="metric:on_time_rate", tool="compare"))
    assert "不能相减" in made["tool"]


def test_what_cannot_be_compared_is_one_sentence_and_the_rest_stands():
    found = Comparison(None, problem="对比时刻 12-01 00:00 在将来；请选一个过去的时刻")
    made = regions(SCREEN, invented.answers(SCREEN), context(found, compare="at:2026-12-01", tool="compare"))
    assert found.problem in made["tool"]
    assert found.problem in made["sides"]
    assert "昨天此时" in made["tool"]
    assert made["legends"] == regions(SCREEN, invented.answers(SCREEN), context(None))["legends"]


def test_best_and_worst_only_where_one_direction_is_better():
    assert ranked([3.0, 1.0, None, 2.0], "higher") == ["best", "worst", "", ""]
    assert ranked([3.0, 1.0, 1.0], "lower") == ["worst", "best", "best"]
    assert ranked([3.0, 1.0], "") == ranked([2.0, 2.0], "higher") == ranked([2.0, None], "higher") == ["", ""]


def column(code: str, value: float, at: str = "") -> Column:
    course = (Point(invented.NOW, value), Point(invented.NOW, value + 1))
    figure = replace(answer({}), value=value, at_division=at or code)
    card = Answer(Question("profile"), "", parts={"population": 1000, "area_km2": 12.5}, freshness="live")
    return Column(code, NAMES[code], {"open_events": figure, "profile": card}, {"open_events": replace(
        figure, series=course)})


def test_divisions_stand_in_columns_with_marks_in_words_and_can_be_taken_out():
    found = Comparison(Asked("divisions", (A, B)), lines=(Line("open_events", "在办事件", "lower"),),
                       columns=(column(A, 3), column(B, 9)))
    text = f"divisions:{A},{B}"
    made = regions(SCREEN, invented.answers(SCREEN), context(found, compare=text, tool="compare"))["tool"]
    for told in (NAMES[A], NAMES[B], "1,000", "12.5", "最好", "最差", "搜索下级区划", 'aria-label="移除"'):
        assert told in made
    assert f"&#34;compare&#34;: &#34;divisions:{B}&#34;" in made
    assert f'data-code="{A}"' not in made, "who is in it is not offered again"
    assert f'data-code="{C}"' in made


def test_figures_that_read_the_same_have_no_best():
    lines = (Line("open_events", "在办事件", "lower"),)
    near = Comparison(Asked("divisions", (A, B)), lines=lines, columns=(column(A, 95.04), column(B, 95.01)))
    assert "最好" not in table(near, context(near))


def test_yesterday_of_a_fixed_instant_is_that_minute_and_of_now_a_rounded_one():
    now = datetime(2026, 11, 22, 4, 7, tzinfo=UTC)
    window = Window(now, now, at=datetime(2026, 11, 20, 4, 7, 30, tzinfo=UTC))
    shown = SimpleNamespace(web=SimpleNamespace(clock=SimpleNamespace(now=lambda: now, now_us=lambda: to_us(now))),
                            window=window, zone=ZONE, query={}, screen=SCREEN, view=ViewState())
    assert other_of(shown, asked("at:yesterday")).window.at == datetime(2026, 11, 19, 4, 7, 30, tzinfo=UTC)
    shown.window = replace(window, at=None)
    assert other_of(shown, asked("at:yesterday")).window.at == datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def test_courses_share_one_scale():
    courses = [[1.0, 2.0], [10.0, None]]
    assert shared_span(courses) == (1.0, 10.0)
    assert spark([1.0, 2.0], span=(1.0, 10.0)) != spark([1.0, 2.0])
    assert spark([1.0, 10.0], span=(1.0, 10.0)) == spark([1.0, 10.0])


def test_a_division_that_may_not_be_read_shows_nothing_of_itself():
    found = Comparison(Asked("divisions", (A, B)), lines=(Line("open_events", "在办事件", "lower"),),
                       columns=(column(A, 3), Column(B, NAMES[B], problem="无权查看该区划")))
    html = table(found, context(found, compare=f"divisions:{A},{B}"))
    assert "无权查看该区划" in html
    assert html.count("无权</td>") == 3
    assert "最好" not in html


def test_a_borrowed_figure_is_nobody_s_merit():
    found = Comparison(Asked("divisions", (A, B)), lines=(Line("open_events", "在办事件", "lower"),),
                       columns=(column(A, 3), column(B, 9, invented.ROOT)))
    html = table(found, context(found))
    assert "样例县级" in html
    assert "最好" not in html


def test_a_card_leads_into_the_comparison_until_four_are_in_it():
    def card(**view):
        asked = invented.answers(SCREEN, view=ViewState(tool="profile"))
        return regions(SCREEN, asked, context(None, tool="profile", **view))["tool"]

    assert f"&#34;compare&#34;: &#34;divisions:{A},{B}&#34;" in card(division=B, compare=f"divisions:{A}")
    full = f"divisions:{A},{B},{C},{D}"
    for told in ({}, {"division": A, "compare": f"divisions:{A}"}, {"division": "x", "compare": full}):
        assert "加入区划对比" not in card(**told)
