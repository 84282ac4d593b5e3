"""What moves what, and how much later: the table of `demo.lags`, measured by cross-correlation."""

from functools import cache

import numpy as np
import pytest
from demo_tree import county

from demo.city_events import CityEvents
from demo.days import day_number
from demo.feeds import Observations
from demo.lags import LAGS

COUNTY = county()
FEEDS = Observations(COUNTY)
EVENTS = CityEvents(COUNTY)
INTAKE = cache(EVENTS.desk.intake)
WET, DAYS = day_number("2026-04-20"), 60
BOUNDS = {lag.effect: lag for lag in LAGS}


def rain() -> np.ndarray:
    return COUNTY.sky.hours(WET * 24, (WET + DAYS) * 24)[:, :24].mean(axis=1)


def hourly(feed: str, metric: str) -> np.ndarray:
    found = [series.hourly(False).values for day in range(WET, WET + DAYS) for series in FEEDS.block(feed, day)
             if series.metric == metric]
    return np.nanmean(np.concatenate(found), axis=1)


def peak(cause: np.ndarray, effect: np.ndarray, longest: int, sign: float = 1.0) -> int:
    """Lag (steps) at which the effect follows the cause most closely."""
    cause, effect = cause - cause.mean(), sign * (effect - effect.mean())
    strength = [float((cause[:len(cause) - lag] * effect[lag:]).sum()) for lag in range(longest)]
    assert max(strength) > 0
    return int(np.argmax(strength))


def within(effect: str, hours: float) -> None:
    assert BOUNDS[effect].low <= hours <= BOUNDS[effect].high, f"{effect} after {hours} h"


def test_river_follows_rain() -> None:
    within("river_level_m", peak(rain(), hourly("river", "river_level_m"), 24))


def test_reservoir_follows_rain_later_than_the_river() -> None:
    reservoir = peak(rain(), hourly("reservoir", "reservoir_level_m"), 72)
    within("reservoir_level_m", reservoir)
    assert reservoir > peak(rain(), hourly("river", "river_level_m"), 24)


def test_ponding_follows_rain_within_the_hour() -> None:
    day = max(range(WET, WET + DAYS), key=lambda one: COUNTY.sky.rain(one).sum())
    wet = COUNTY.sky.rain(day)[:, :24].mean(axis=1)
    ponding = next(series for series in FEEDS.block("sensors", day) if series.metric == "ponding_cm")
    within("ponding_cm", peak(wet, np.nanmean(ponding.values, axis=1), 36) / 12)


def test_rain_washes_the_air() -> None:
    times = np.concatenate([FEEDS.block("air_hourly", day)[0].times for day in range(WET, WET + DAYS)])
    still = COUNTY.sky.stagnation(times)
    dust = np.log(hourly("air_hourly", "pm25")) - 0.45 * still
    within("pm25 falls", peak(rain(), dust, 12, -1.0))


def test_rain_washes_phosphorus_into_the_rivers() -> None:
    four = rain().reshape(-1, 4).sum(axis=1)
    found = [series.values.mean(axis=1) for day in range(WET, WET + DAYS)
             for series in FEEDS.block("water_quality", day) if series.metric == "tp"]
    within("tp", 4 * peak(four, np.concatenate(found), 12))


def calls(category: str, first: int, last: int, step: int) -> np.ndarray:
    """Received events of a category in steps of the stretch [first, last) (s)."""
    wanted = EVENTS.desk.keys.index(category)
    days = range((first + 8 * 3600) // 86400 - 1, (last + 8 * 3600) // 86400 + 1)
    found = [day.time[day.category == wanted] for day in map(INTAKE, days)]
    return np.histogram(np.concatenate(found), np.arange(first, last + 1, step))[0].astype(float)


def test_flood_calls_follow_rain() -> None:
    first, last = WET * 86400, (WET + DAYS) * 86400
    heavy = COUNTY.sky.hours(WET * 24, (WET + DAYS) * 24)[:, 24:].max(axis=1)
    heavy = np.where(heavy > 8, heavy, 0)
    within("safe_flood events", peak(heavy, calls("safe_flood", first, last, 3600), 12))


def cuts(kind: str) -> list:
    found = [one for day in range(WET, WET + 120) for one in COUNTY.incidents.of_day(day) if one.kind == kind]
    assert len(found) > 5
    return found


def test_water_cut_drops_the_pressure_of_its_township_at_once() -> None:
    sites, seen = COUNTY.sites["sensor_water_pressure"], 0
    for cut in cuts("water_cut"):
        mine = sites.town == cut.town
        series = next(s for s in FEEDS.block("sensors", cut.start // 86400) if s.metric == "pressure_mpa")
        during = (series.times >= cut.start) & (series.times < cut.end)
        before = (series.times < cut.start) & (series.times >= cut.start - 3600)
        if not mine.any() or not during.any() or not before.any():
            continue
        seen += 1
        row = int(np.argmax(during))
        assert series.times[row] - cut.start <= BOUNDS["pressure_mpa falls"].high * 3600
        assert np.nanmean(series.values[row, mine]) < 0.4 * np.nanmean(series.values[before][:, mine])
        assert np.nanmean(series.values[row, ~mine]) > 0.2
    assert seen > 3


@pytest.mark.parametrize(("kind", "category", "effect"), [
    ("water_cut", "util_water", "util_water calls"), ("power_cut", "util_power", "util_power calls")])
def test_calls_peak_after_a_cut(kind: str, category: str, effect: str) -> None:
    total = np.zeros(8 * 4)
    for cut in cuts(kind):
        total += calls(category, cut.start - 2 * 3600, cut.start + 6 * 3600, 900)
    quiet, loud = total[:8].mean(), total[8:16].mean()
    assert loud > 6 * max(quiet, 1)
    within(effect, (int(np.argmax(total)) - 8) * 0.25)


def test_power_cut_silences_lamps_and_gas_sensors() -> None:
    seen = 0
    for cut in cuts("power_cut"):
        series = {s.metric: s for s in FEEDS.block("sensors", cut.start // 86400)}
        for layer, metric in (("sensor_lamp", "lamp_power_w"), ("sensor_gas", "gas_lel_pct")):
            mine = COUNTY.sites[layer].town == cut.town
            during = (series[metric].times >= cut.start) & (series[metric].times < cut.end)
            if mine.any() and during.any():
                seen += 1
                assert np.isnan(series[metric].values[during][:, mine]).all()
                assert not np.isnan(series[metric].values[~during][:, mine]).all()
    assert seen > 3
