from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import air
from analysis.air_tables import CATEGORIES, IN_FORCE_2026, RULES_2012, RULES_2026, rules_on

NEW, OLD = date(2026, 11, 22), date(2014, 2, 20)
FULL = {"so2": 10.0, "no2": 20.0, "pm10": 30.0, "pm25": 20.0, "co": 0.5, "o3": 40.0}

VECTORS_2026 = [
    ("pm25", "24h", 35, 50), ("pm25", "24h", 36, 52), ("pm25", "24h", 60, 100), ("pm25", "24h", 60.5, 100),
    ("pm25", "24h", 60.6, 101), ("pm25", "24h", 61, 101), ("pm25", "24h", 75, 114), ("pm25", "24h", 115, 150),
    ("pm25", "24h", 600, 500), ("pm10", "24h", 120, 100), ("pm10", "24h", 150, 112), ("so2", "24h", 100, 75),
    ("so2", "1h", 801, 200), ("o3", "8h", 160, 100), ("o3", "8h", 161, 101), ("o3", "8h", 801, 300),
    ("co", "24h", 2.05, 50), ("co", "24h", 4.04, 100), ("co", "24h", 2.2, 55), ("co", "1h", 1.1, 11),
    ("co", "1h", 4.9, 49),
    ("pm25", "1h", 60, 100), ("pm10", "1h", 120, 100), ("no2", "1h", 200, 100), ("o3", "1h", 1200, 500),
    ("so2", "1h", 800, 200),
    ("pm25", "24h", 0, 0), ("no2", "24h", 2.5, 3), ("no2", "24h", 3.5, 5), ("so2", "24h", 2620, 500),
    ("so2", "24h", 9999, 500),
]
VECTORS_2012 = [
    ("pm25", "24h", 75, 100), ("pm25", "24h", 76, 102), ("pm10", "24h", 150, 100), ("pm25", "24h", 35, 50),
    ("so2", "1h", 800, 200), ("so2", "1h", 801, None), ("o3", "8h", 800, 300), ("o3", "8h", 801, None),
    ("o3", "1h", 801, 301),
]


@pytest.mark.parametrize(("pollutant", "average", "value", "expected"), VECTORS_2026)
def test_published_vectors_of_2026(pollutant, average, value, expected):
    assert air.iaqi(pollutant, average, value, NEW) == expected


@pytest.mark.parametrize(("pollutant", "average", "value", "expected"), VECTORS_2012)
def test_vectors_of_2012(pollutant, average, value, expected):
    assert air.iaqi(pollutant, average, value, OLD) == expected


def test_the_edition_follows_the_day_of_observation_and_not_today():
    assert rules_on(date(2026, 2, 28)) is RULES_2012
    assert rules_on(IN_FORCE_2026) is RULES_2026
    assert air.iaqi("pm25", "24h", 75, date(2026, 2, 28)) == 100
    assert air.iaqi("pm25", "24h", 75, date(2026, 3, 1)) == 114


def test_so2_of_a_day_never_uses_the_hourly_column():
    assert air.iaqi("so2", "24h", 100, NEW) == 75
    assert air.iaqi("so2", "1h", 100, NEW) == 34


def test_rounding_is_half_to_even_and_undoes_binary_dust():
    assert [air.rounded("pm25", value) for value in (60.5, 61.5, 60.4999, 60.6)] == [60, 62, 60, 61]
    values = (2.05, 2.15, 2.25, 0.35000000000000003)
    assert [float(air.rounded("co", value)) for value in values] == [2.0, 2.2, 2.2, 0.4]


@given(st.integers(0, 15000))
def test_every_co_concentration_agrees_with_integer_arithmetic(hundredths):
    tenths, rest = divmod(hundredths, 10)
    tenths += rest > 5 or (rest == 5 and tenths % 2)
    points, levels = (0, 50, 100, 350, 600, 900, 1200, 1500), (0, 50, 100, 150, 200, 300, 400, 500)
    high = next(i for i in range(1, 8) if tenths <= points[i])
    top = (levels[high] - levels[high - 1]) * (tenths - points[high - 1])
    expected = levels[high - 1] - (-top // (points[high] - points[high - 1]))
    assert air.iaqi("co", "1h", hundredths / 100, NEW) == expected


@given(st.sampled_from(["so2", "no2", "pm10", "pm25", "co", "o3"]), st.floats(0, 5000), st.floats(0, 5000))
def test_the_sub_index_never_falls_when_the_concentration_rises(pollutant, first, second):
    low, high = sorted((first, second))
    assert air.iaqi(pollutant, "1h", low, NEW) <= air.iaqi(pollutant, "1h", high, NEW) <= 500


def test_what_the_standard_does_not_have_is_refused():
    with pytest.raises(ValueError, match="没有"):
        air.iaqi("o3", "24h", 10, NEW)
    with pytest.raises(ValueError, match="小于 0"):
        air.iaqi("pm25", "24h", -1, NEW)
    assert air.iaqi("pm25", "24h", None, NEW) is None
    assert air.iaqi("pm25", "24h", float("nan"), NEW) is None


def day(**changes):
    return {pollutant: changes.get(pollutant, [value] * 24) for pollutant, value in FULL.items()}


def test_a_clean_day_has_no_primary_pollutant():
    found = air.daily_from_hours(day(), NEW)
    assert (found.aqi, found.primary, found.published, found.note) == (30, (), True, "")
    assert set(found.iaqi) == {"so2_24h", "no2_24h", "pm10_24h", "pm25_24h", "co_24h", "o3_8h"}
    assert found.rules == "HJ 633—2026"


def test_2012_has_ozone_of_one_hour_as_a_seventh_item():
    hours = day(o3=[10.0] * 12 + [260.0] + [10.0] * 11)
    old, new = air.daily_from_hours(hours, OLD), air.daily_from_hours(hours, NEW)
    assert old.iaqi["o3_1h"] == 130
    assert (old.aqi, old.primary) == (130, ("o3",))
    assert "o3_1h" not in new.iaqi
    assert new.aqi == 30


def test_2012_ozone_above_800_is_reported_by_its_hour():
    hours = day(o3=[850.0] * 24)
    clean = air.daily_from_hours(day(), OLD)
    assert air.daily_from_hours(hours, OLD).iaqi == {**clean.iaqi, "o3_8h": None, "o3_1h": 325}
    assert air.daily_from_hours(hours, OLD).aqi == 325
    assert air.daily_from_hours(hours, NEW).aqi == 300


def test_all_ties_are_primary():
    hours = day(pm25=[60.0] * 24, pm10=[120.0] * 24)
    found = air.daily_from_hours(hours, NEW)
    assert (found.aqi, found.primary) == (100, ("pm10", "pm25"))
    assert air.primary_text(found.primary) == "PM₁₀、PM₂.₅"
    assert air.primary_text(()) == "—"


@pytest.mark.parametrize(("there", "valid"), [(20, True), (19, False)])
def test_a_daily_mean_needs_twenty_hours(there, valid):
    found = air.daily_from_hours(day(no2=[20.0] * there + [None] * (24 - there)), NEW)
    assert found.valid["no2_24h"] is valid
    assert found.published is valid
    assert found.counts["no2_24h"] == there


def test_a_missing_pollutant_leaves_only_indices_unless_the_rest_is_above_100():
    clean = air.daily_from_hours({**day(), "so2": None}, NEW)
    assert (clean.aqi, clean.published, clean.primary) == (None, False, ())
    assert clean.iaqi["no2_24h"] == 25
    assert "SO₂" in clean.note
    assert "NA" in clean.note
    dirty = air.daily_from_hours({**day(pm25=[75.0] * 24), "so2": None}, NEW)
    assert (dirty.aqi, dirty.published, dirty.primary) == (114, True, ("pm25",))
    exactly = air.daily_from_hours({**day(pm25=[60.0] * 24), "so2": None}, NEW)
    assert (exactly.aqi, exactly.published) == (None, False)


def test_a_day_of_too_few_hours_says_how_many_there_were():
    found = air.daily_from_hours({"pm25": [340.0] * 17 + [None] * 7}, NEW)
    assert (found.aqi, found.note) == (None, "有效小时不足：最多的一项 17 小时，日均值应有 20 小时以上")


def test_a_day_without_anything_is_unknown_and_not_zero():
    found = air.daily_from_hours({}, NEW)
    assert (found.aqi, found.published, found.note) == (None, False, "没有有效数据")


def test_ozone_windows_end_at_8_to_24_and_need_six_hours():
    late = [0.0] * 23 + [80.0]
    assert air.daily_from_hours(day(o3=late), NEW).concentrations["o3_8h"] == 10
    early = [80.0] * 2 + [0.0] * 22
    assert air.daily_from_hours(day(o3=early), NEW).concentrations["o3_8h"] == 20
    gap = [40.0] * 8 + [None] * 3 + [40.0] * 13
    assert air.daily_from_hours(day(o3=gap), NEW).counts["o3_8h"] == 11


def test_fourteen_windows_or_an_exceedance_make_ozone_valid():
    enough = [None] * 5 + [40.0] * 19
    few = [None] * 6 + [40.0] * 18
    polluted = [None] * 6 + [200.0] * 18
    assert air.daily_from_hours(day(o3=enough), NEW).counts["o3_8h"] == 14
    assert air.daily_from_hours(day(o3=enough), NEW).valid["o3_8h"]
    assert not air.daily_from_hours(day(o3=few), NEW).valid["o3_8h"]
    assert air.daily_from_hours(day(o3=polluted), NEW).concentrations["o3_8h"] == 200


def test_a_mean_exactly_half_way_is_rounded_to_even():
    hours = day(pm25=[60.0] * 12 + [61.0] * 12)
    assert air.daily_from_hours(hours, NEW).concentrations["pm25_24h"] == 60
    thirds = day(pm25=[Fraction(181, 3), Fraction(182, 3)] * 12)
    assert air.daily_from_hours(thirds, NEW).concentrations["pm25_24h"] == 60


def test_the_wrong_number_of_hours_is_refused():
    with pytest.raises(ValueError, match="24 个小时值"):
        air.daily_from_hours({"pm25": [1.0] * 23}, NEW)
    with pytest.raises(ValueError, match="小于 0"):
        air.daily_from_hours({"pm25": [-1.0] * 24}, NEW)


def test_the_hour_uses_six_hourly_means():
    found = air.hourly(FULL, NEW)
    assert (found.aqi, found.primary) == (30, ())
    assert found.iaqi["so2_1h"] == 4
    assert air.hourly({**FULL, "so2": 801.0}, NEW).aqi == 200
    assert air.hourly({**FULL, "pm25": float("nan")}, NEW).aqi is None


def test_the_hour_of_2012_reports_so2_above_800_by_its_day():
    assert air.hourly({**FULL, "so2": 801.0}, OLD).published is False
    found = air.hourly({**FULL, "so2": 801.0}, OLD, so2_24h=475)
    assert (found.aqi, found.primary) == (150, ("so2",))


def test_an_area_is_the_mean_of_its_stations_and_never_the_worst():
    nan = float("nan")
    stations = {"a": {"pm25": [10.0, None]}, "b": {"pm25": [20.0, 50.0]}, "c": {"pm25": [40.0, nan], "o3": [1, 2]}}
    found = air.area_hours(stations)
    assert found["pm25"] == [Fraction(70, 3), 50]
    assert found["o3"] == [1, 2]
    assert air.area_hours(stations, least_share=0.75)["pm25"] == [Fraction(70, 3), None]
    assert air.area_hour({"a": {"co": 0.7}, "b": {"co": 0.8}}) == {"co": Fraction(3, 4)}
    assert air.area_hours({}) == {}


def test_categories_are_the_six_of_the_standard():
    names = ["优", "良", "轻度污染", "中度污染", "重度污染", "严重污染"]
    assert [air.category(aqi).name for aqi in (0, 51, 101, 151, 201, 301)] == names
    assert [air.category(aqi).name for aqi in (50, 100, 150, 200, 300, 500)] == names
    assert [kind.color for kind in CATEGORIES] == ["绿色", "黄色", "橙色", "红色", "紫色", "褐红色"]
    assert [kind.hex for kind in CATEGORIES] == ["#00E400", "#FFFF00", "#FF7E00", "#FF0000", "#99004C", "#7E0023"]
    assert air.category(None) is None
    with pytest.raises(ValueError, match="501"):
        air.category(501)
