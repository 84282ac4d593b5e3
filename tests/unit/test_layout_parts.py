"""Numbers, ages, axes, bars and classes of the map: small pure pieces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from data.answers import Answer, Change, Group, Point, Question
from layouts import choropleth, plots, tables, words
from layouts.panels.air import air_class
from layouts.panels.funnel import reached
from layouts.panels.heat import week
from layouts.panels.progress import gap_pp
from layouts.panels.trend import thin
from layouts.parts import change_mark

ASK = Question("metric", "m")
ZONE = "Asia/Shanghai"


@pytest.mark.parametrize(("value", "decimals", "text"), [
    (1286, 0, "1,286"), (-6.58, 2, "−6.58"), (0.004, 2, "0.00"), (-0.001, 1, "0.0"), (None, 0, "—"),
    (float("nan"), 0, "—"),
    (1.234e9, 0, "12.34亿")])
def test_number(value, decimals, text):
    assert words.number(value, decimals) == text


@pytest.mark.parametrize(("seconds", "text", "short"), [
    (45, "45 秒", "0分"), (720, "12 分", "12分"), (9000, "2 小时 30 分", "02时30分"), (187_200, "2 天 4 小时",
                                                                              "2天04时")])
def test_age(seconds, text, short):
    assert words.age(seconds) == text
    assert words.short_age(seconds) == short


@pytest.mark.parametrize(("period", "text"), [
    ("2026-01..10", "2026 年 1—10 月"), ("2026-09", "2026 年 9 月"), ("2026Q3", "2026 年第三季度"),
    ("2026Q1..Q3", "2026 年前三季度"), ("2026H1", "2026 年上半年"), ("2026", "2026"), ("2026-W46", "2026-W46")])
def test_period(period, text):
    assert words.period(period) == text


@pytest.mark.parametrize(("cadence", "text"),
                         [(300, "5 分钟"), (3600, "1 小时"), (86_400, "1 天"), (30 * 86_400, "每月"),
                                               (90 * 86_400, "每季"), (0, "—")])
def test_interval(cadence, text):
    assert words.interval(cadence) == text


def test_moments_are_the_places_time():
    now = words.to_us(datetime(2026, 11, 20, 1, 41, tzinfo=UTC))
    assert words.moment(now, ZONE, now) == "11-20 09:41"
    assert words.clock_or_day(now - 12 * 3_600_000_000, ZONE, now) == "昨 21:41"
    assert words.moment(now - 400 * 86_400_000_000, ZONE, now).startswith("2025-")


@pytest.mark.parametrize(("value", "unit", "text", "arrow"), [
    (-62, "件", "−62 件", "a-dn"), (0.6, "百分点", "+0.6百分点", "a-up"), (0.0, "件", "持平", "a-eq"), (4.3, "%",
                                                                                             "+4.3%", "a-up")])
def test_change(value, unit, text, arrow):
    html = str(change_mark(Answer(ASK, "m", unit="件", change=Change("较昨日", value, unit))))
    assert text in html
    assert arrow in html
    assert html.startswith('<span class="chg">较昨日')


@pytest.mark.parametrize(("values", "zero", "ticks"), [
    ([31, 52], True, (0, 20, 40, 60)), ([7.6, 9.3], False, (7.0, 8.0, 9.0, 10.0)), ([], False, (0.0, 0.5, 1.0)),
    ([5, 5], False, None), ([None, None], True, None)])
def test_axis_ticks_are_round_and_hold_the_values(values, zero, ticks):
    shown = plots.axis(values, zero)
    known = [v for v in values if v is not None]
    assert not known or (shown.low <= min(known) and shown.high >= max(known))
    assert 2 <= len(shown.ticks) <= 5
    if ticks:
        assert shown.ticks == ticks


def test_a_gap_is_a_gap_and_never_a_zero():
    shown = plots.axis([1, 2, 3])
    html = str(plots.plot([plots.Trace("line", [(0, 1), (.25, 2), (.5, None), (.75, 2), (1, 3)])], shown, []))
    assert html.count('class="l "') == 2


def test_bars_are_cut_at_the_axis_and_an_unknown_has_no_bar():
    html = str(tables.bars([tables.Bar("甲", 250, "250"), tables.Bar("乙", None, "—")], 100))
    assert "width:100.0%" in html
    assert html.count("<i ") == 1


def test_air_classes_are_those_of_the_standard():
    assert [air_class(v)[1] for v in (0, 50, 51, 100, 150, 200, 300, 301)] == [
        "优", "优", "良", "良", "轻度污染", "中度污染", "重度污染", "严重污染"]
    assert air_class(None) == (0, "未知")


def test_funnel_counts_those_who_went_farther():
    groups = tuple(Group(code, code, value) for code, value in (("handling", 3.0), ("received", 5.0), ("closed", 10.0)))
    assert reached(Answer(ASK, "m", groups=groups)) == [("受理", 18.0), ("处置", 13.0), ("结案", 10.0)]


def test_progress_gap_is_done_minus_time():
    assert gap_pp(Answer(ASK, "m", parts={"progress_pct": 77.4, "time_progress_pct": 83.3})) == pytest.approx(-5.9)
    assert gap_pp(Answer(ASK, "m", unit="%", value=8.4, target=9.0)) == pytest.approx(-0.6)
    assert gap_pp(Answer(ASK, "m", unit="件", value=8.4, target=9.0)) is None


def test_week_takes_the_mean_over_the_days_delivered():
    monday = datetime(2026, 11, 16, 1, tzinfo=UTC)      # 09:00 of a Monday there
    points = [Point(monday, 4), Point(monday - timedelta(hours=1), 2), Point(monday + timedelta(days=7), 8)]
    cells = week(points, ZONE)
    assert cells[0][4] == pytest.approx((4 + 2 + 8) / 2)
    assert cells[1][4] is None


def test_thinning_keeps_the_newest_point():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    series = [Point(start + timedelta(hours=k), float(k)) for k in range(1001)]
    kept = thin(series, 400)
    assert len(kept) <= 400
    assert kept[-1] == series[-1]


def shades(values, **more):
    groups = tuple(Group(str(k), str(k), value) for k, value in enumerate(values))
    return choropleth.shade(Answer(ASK, "m", groups=groups, **more))


def test_classes_count_every_division_once():
    found = shades([1, 3, 7, 12, 19, 40, None], parts={"breaks": [5, 10, 20]})
    assert sum(n for _, _, n in found.legend) == 7
    assert [(label, n) for _, label, n in found.legend] == [("≥ 20", 1), ("10–19", 2), ("5–9", 1), ("< 5", 2),
                                                            ("未知", 1)]
    assert found.tokens[found.values["6"][0]] == choropleth.UNKNOWN


def test_classes_of_equal_or_missing_values():
    assert shades([4, 4, 4]).legend == (("q2", "均为 4", 3),)
    assert shades([]).values == {}
    assert [n for _, _, n in shades([None, None]).legend] == [0, 2]


@pytest.mark.parametrize(("values", "legend"), [
    ([0.4, *[0.0] * 23], [("≥ 0.4", 1), ("0.0", 23)]),
    ([62, 48.5, *[0.0] * 22], [("≥ 48.0", 2), ("0.0", 22)]),
    ([0.04, *[0.0] * 23], [("≥ 0.04", 1), ("0.0", 23)]),
    ([40, 30, 20, 5, 1, *[0.0] * 19], [("≥ 20.0", 3), ("1.0–19.9", 2), ("0.0", 19)]),
    ([-3.65, -3.65, -1.2], [("≥ −1.2", 1), ("−3.6", 2)])])
def test_one_who_has_more_than_the_rest_is_a_class_of_its_own(values, legend):
    found = shades(values, decimals=1)
    assert [(label, n) for _, label, n in found.legend] == legend
    lowest = {found.values[str(k)][0] for k, value in enumerate(values) if value == min(values)}
    assert lowest == {0}


def test_growth_is_two_sided():
    found = shades([-8, -2, 0, 3, 9], unit="%")
    assert found.tokens == ("d0", "d1", "d2", "d3", "d4", "qn")
    assert [found.values[str(k)][0] for k in range(5)] == [0, 1, 2, 3, 4]


def test_marks_carry_states_and_add_up():
    def by(values):
        return Answer(ASK, "m", groups=tuple(Group(str(k), str(k), v) for k, v in enumerate(values)))

    found = choropleth.marks({"map.number": by([9, 50, 4, 60, 0]), "map.warn": by([1, 0, 0, 0, 0]),
                              "map.att": by([2, 0, 1, 0, 0])})
    assert found == {"0": ("9", "warn"), "1": ("50", "ok"), "2": ("4", "att"), "3": ("60", "ok")}
