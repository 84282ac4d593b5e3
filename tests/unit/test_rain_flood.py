from datetime import date, datetime

import pytest

from analysis import flood, rain


@pytest.mark.parametrize(("mm", "hours", "name"), [
    (0, 24, "零星"), (0.04, 24, "零星"), (0.06, 24, "小雨"), (0.1, 24, "小雨"), (9.9, 24, "小雨"), (9.94, 24, "小雨"),
    (9.95, 24, "中雨"), (9.96, 24, "中雨"), (10.0, 24, "中雨"), (24.9, 24, "中雨"), (25.0, 24, "大雨"),
    (49.95, 24, "暴雨"),
    (50.0, 24, "暴雨"), (99.94, 24, "暴雨"), (100.0, 24, "大暴雨"), (249.9, 24, "大暴雨"), (250.0, 24, "特大暴雨"),
    (4.9, 12, "小雨"), (5.0, 12, "中雨"), (15.0, 12, "大雨"), (30.0, 12, "暴雨"), (70.0, 12, "大暴雨"),
    (140.0, 12, "特大暴雨"),
    (139.94, 12, "大暴雨"), (0.05, 24, "零星"), (0.15, 24, "小雨"),
])
def test_rain_classes_after_rounding_to_a_tenth(mm, hours, name):
    assert rain.rain_class(mm, hours).name == name


def test_binary_dust_does_not_move_a_total():
    assert rain.rain_class(sum([0.1] * 100)).total_mm == 10.0
    assert rain.rain_class(None) is None


def test_other_hours_and_negative_totals_are_refused():
    with pytest.raises(ValueError, match="24"):
        rain.rain_class(1.0, 6)
    with pytest.raises(ValueError, match="无效"):
        rain.rain_class(-0.1)
    assert rain.short_heavy(20.0)
    assert not rain.short_heavy(19.9)
    assert not rain.short_heavy(None)


def test_the_water_day_turns_at_eight():
    assert rain.water_day(datetime(2026, 11, 22, 7, 59)) == date(2026, 11, 21)
    assert rain.water_day(datetime(2026, 11, 22, 8, 0)) == date(2026, 11, 22)
    window = rain.water_day_window(date(2026, 11, 30))
    assert window == (datetime(2026, 11, 30, 8), datetime(2026, 12, 1, 8))
    assert rain.window_words(*window) == "11月30日08时至12月1日08时"
    assert rain.weather_day_window(date(2026, 11, 22)) == (datetime(2026, 11, 21, 20), datetime(2026, 11, 22, 20))


@pytest.mark.parametrize(("level", "state", "text"), [
    (115.0, "normal", "距警戒 4.00 m"), (118.6, "near", "距警戒 0.40 m"), (119.0, "over_warning", "超警 0.00 m"),
    (119.85, "over_warning", "超警 0.85 m"), (121.0, "over_guarantee", "超保 0.00 m"),
    (121.12, "over_guarantee", "超保 0.12 m"),
])
def test_a_river_against_its_limits(level, state, text):
    found = flood.river_state(level, 119.0, 121.0)
    assert (found.state, found.text) == (state, text)


def test_limits_that_nobody_stated_are_not_zero():
    found = flood.river_state(100.0, None)
    assert (found.state, found.over_warning_m, found.text) == ("normal", None, "—")
    assert flood.river_state(None, 119.0) is None
    with pytest.raises(ValueError, match="limits"):
        flood.river_state(100.0, 119.0, 118.0)


def test_rate_of_rise_and_time_to_the_limit():
    rising = [(0.0, 118.0), (1.0, 118.2), (2.0, None), (3.0, 118.6)]
    assert flood.rate_m_per_h(rising) == pytest.approx(0.2)
    assert flood.hours_to(118.6, 0.2, 119.0) == pytest.approx(2.0)
    assert flood.hours_to(119.0, -0.2, 119.0) == 0.0
    assert flood.hours_to(118.6, 0.0, 119.0) is None
    assert flood.hours_to(118.6, None, 119.0) is None
    assert flood.rate_m_per_h([(0.0, 118.0)]) is None
    assert flood.rate_m_per_h([(1.0, 118.0), (1.0, 119.0)]) is None
    assert [flood.rate_words(rate) for rate in (0.2, -0.12, 0.001, None)] == ["↑ 0.20 m/h", "↓ 0.12 m/h", "平稳", "—"]


SEASONS = [flood.Season((4, 1), (6, 30), 195.0), flood.Season((7, 1), (9, 30), 196.5)]


@pytest.mark.parametrize(("day", "limit"), [
    (date(2026, 3, 31), None), (date(2026, 4, 1), 195.0), (date(2026, 6, 30), 195.0), (date(2026, 7, 1), 196.5),
    (date(2026, 9, 30), 196.5), (date(2026, 10, 1), None),
])
def test_the_flood_limit_is_a_function_of_the_date(day, limit):
    assert flood.flood_limit_m(SEASONS, day) == limit


def test_over_the_flood_limit():
    assert flood.over_flood_limit_m(195.85, SEASONS, date(2026, 5, 1)) == pytest.approx(0.85)
    assert flood.over_flood_limit_m(195.85, SEASONS, date(2026, 8, 1)) == pytest.approx(-0.65)
    assert flood.over_flood_limit_m(195.85, SEASONS, date(2026, 12, 1)) is None
    assert flood.over_flood_limit_m(None, SEASONS, date(2026, 5, 1)) is None
    winter = [flood.Season((11, 1), (2, 28), 100.0)]
    assert flood.flood_limit_m(winter, date(2026, 1, 1)) == 100.0
    assert flood.flood_limit_m(winter, date(2026, 3, 1)) is None
    with pytest.raises(ValueError, match="多个汛限水位"):
        flood.flood_limit_m([*SEASONS, flood.Season((6, 1), (7, 31), 190.0)], date(2026, 6, 15))
