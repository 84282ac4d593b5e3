"""Power, parking, traffic and the service hall of the demo county: rhythms of the day, the week and the festival."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demo.chance import Flags, Reals, normal, smooth, uniform
from demo.days import bump
from demo.series import Series, slot_ends

if TYPE_CHECKING:
    from demo.chance import Ints
    from demo.county import County

PARKING_CAPACITY = (420, 260, 310, 180, 540)


def _clock(county: County, times: Ints) -> tuple[Reals, Flags, Reals]:
    """Columns (n, 1): local hour, whether the day is off, homecoming 0–1."""
    days = county.days.local_day(times - 1)
    return (county.days.local_hour(times)[:, None], county.days.off(days)[:, None],
            county.days.homecoming(days)[:, None])


def power(county: County, day: int) -> list[Series]:
    """load_mw and industrial_mw of every township at each quarter of an hour."""
    ground, seed = county.ground, county.seed
    times = slot_ends(day, 900)
    hour, off, home = _clock(county, times)
    ids = tuple(f"power-{town.code}" for town in ground.towns)
    number = np.arange(len(ids))
    celsius = county.sky.temperature(times)[:, None]
    comfort = 1.0 + 0.035 * np.maximum(celsius - 25.0, 0.0) + 0.02 * np.maximum(9.0 - celsius, 0.0)
    living = 0.55 + 0.35 * bump(hour, 12.0, 2.0) + 0.65 * bump(hour, 20.0, 2.5) - 0.15 * bump(hour, 3.5, 2.5)
    homes = ground.town_people * (0.16 + 0.12 * ground.town_urban) / 1000.0 * living * comfort * (1.0 + 0.3 * home)
    shift = 0.55 + 0.45 * np.clip(bump(hour, 10.0, 2.5) + bump(hour, 16.0, 3.0), 0.0, 1.0)
    plants = np.array([town.industry for town in ground.towns]) * 9.0 * shift * np.where(off, 0.82, 1.0)
    plants = plants * (1.0 - 0.75 * home)
    noise = 1.0 + 0.015 * normal(seed, "power", times[:, None] // 900, number)
    dark = county.incidents.cut_share("power_cut", times)
    industrial = np.round(plants * noise * (1.0 - dark), 2)
    load = np.round(homes * noise * (1.0 - dark) + industrial, 2)
    return [Series("load_mw", ids, times, load), Series("industrial_mw", ids, times, industrial)]


def parking(county: County, day: int) -> list[Series]:
    """Occupied share of each car park, %."""
    ids = county.sites["parking"].ids
    times = slot_ends(day, 300)
    hour, off, home = _clock(county, times)
    number = np.arange(len(ids))
    work = 30.0 + 48.0 * np.clip(bump(hour, 10.5, 2.2) + bump(hour, 15.5, 2.4), 0, 1) + 22.0 * bump(hour, 20.0, 2.0)
    rest = 32.0 + 34.0 * bump(hour, 15.5, 3.5) + 34.0 * bump(hour, 20.0, 2.3)
    busy = np.where(off, rest, work) * (0.85 + 0.25 * uniform(county.seed, "park", number)) * (1.0 + 0.18 * home)
    busy = busy + 5.0 * smooth(times[:, None], 1800, county.seed, "parknoise", number)
    cars = np.round(np.clip(busy, 2.0, 99.0) / 100.0 * np.array(PARKING_CAPACITY)[number % 5])
    value = np.round(cars * 100.0 / np.array(PARKING_CAPACITY)[number % 5], 1)
    if county.scenario == "feed-down" and county.anchor is not None:
        value = np.where((times > county.anchor - 9000)[:, None], np.nan, value)
    return [Series("parking_pct", ids, times, value)]


def traffic(county: County, day: int) -> list[Series]:
    """Vehicles that passed each gate in 5 minutes; the festival brings them home, rain keeps them there."""
    ids = county.sites["gate"].ids
    times = slot_ends(day, 300)
    hour, off, home = _clock(county, times)
    number = np.arange(len(ids))
    late = 0.2 * bump(hour, 21.0, 2.0)
    work = 0.08 + 0.9 * bump(hour, 8.0, 1.1) + 0.55 * bump(hour, 12.5, 2.5) + bump(hour, 17.8, 1.4) + late
    rest = 0.10 + 0.75 * bump(hour, 11.0, 2.6) + 0.85 * bump(hour, 17.0, 3.0) + late
    wide = county.sky.rain(day)[:, :len(county.sites["station_rain"].ids)].mean(axis=1, keepdims=True) * 1.2
    mean = np.where(off, rest, work) * (45 + 70 * uniform(county.seed, "gate", number)) * (1.0 + 0.75 * home)
    mean = mean * (1.0 - 0.35 * np.clip(wide / 15.0, 0.0, 1.0))
    flow = mean + np.sqrt(mean) * normal(county.seed, "flow", times[:, None] // 300, number)
    return [Series("flow", ids, times, np.round(np.maximum(flow, 0.0)))]


def hall(county: County, day: int) -> list[Series]:
    """People waiting and cases handled in 5 minutes; open on workdays 9–12 and 13–17."""
    ids = county.sites["hall"].ids
    times = slot_ends(day, 300)
    hour, off, home = _clock(county, times)
    at_work = ~off & (((hour > 9.0) & (hour <= 12.0)) | ((hour > 13.0) & (hour <= 17.0)))
    monday = (county.days.local_day(times - 1) % 7 == 4)[:, None]
    rush = (0.35 + bump(hour, 10.3, 0.9) + 0.7 * bump(hour, 15.0, 1.0)) * np.where(monday, 1.3, 1.0)
    rush = rush * (1.0 - 0.5 * home)
    noise = 1.0 + 0.15 * normal(county.seed, "hall", times[:, None] // 300, np.arange(len(ids)))
    waiting = np.where(at_work, np.round(np.maximum(38.0 * rush * noise, 0.0)), 0.0)
    cases = np.where(at_work, np.round(np.maximum((4.0 + 9.0 * rush) * noise, 0.0)), 0.0)
    return [Series("hall_waiting", ids, times, waiting), Series("hall_cases", ids, times, cases)]
