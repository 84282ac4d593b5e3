"""1,500 devices of the demo county's life lines, every 5 minutes, moved by rain, cuts, night and their own faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from demo.chance import Flags, Ints, Reals, normal, smooth, uniform
from demo.days import bump
from demo.series import Series, slot_ends

if TYPE_CHECKING:
    from demo.county import County
    from demo.sites import Sites

METRICS = {
    "sensor_water_pressure": "pressure_mpa", "sensor_gas": "gas_lel_pct", "sensor_manhole": "manhole_tilt_deg",
    "sensor_lamp": "lamp_power_w", "sensor_ponding": "ponding_cm", "sensor_bridge": "bridge_strain",
}
UNPOWERED_BY_CUT = ("sensor_gas", "sensor_lamp")
DEAD_SHARE = 0.025


def rounded(values: Reals, digits: int) -> Reals:
    """As the device sends it."""
    return np.asarray(np.round(values, digits), float)


def _pressure(county: County, sites: Sites, times: Ints) -> Reals:
    number, hour = np.arange(len(sites.ids)), county.days.local_hour(times)[:, None]
    use = 0.03 * bump(hour, 7.5, 1.5) + 0.035 * bump(hour, 19.0, 2.0)
    value = 0.27 + 0.08 * uniform(county.seed, "main", number) - use
    value = value + 0.006 * normal(county.seed, "pressure", times[:, None] // 300, number)
    for cut in county.incidents.during(int(times[0]), int(times[-1]) + 1, "water_cut"):
        inside = (times >= cut.start) & (times < cut.end)
        value[np.ix_(inside, sites.town == cut.town)] *= 0.18
    return rounded(np.maximum(value, 0.0), 3)


def _gas(county: County, sites: Sites, times: Ints) -> Reals:
    number = np.arange(len(sites.ids))
    value = 0.6 + 0.6 * smooth(times[:, None], 7200, county.seed, "gas", number)
    for alarm in county.incidents.during(int(times[0]), int(times[-1]) + 1, "sensor_gas"):
        part = np.clip((times - alarm.start) / 900.0, 0.0, 1.0) * (times < alarm.end) * (times >= alarm.start)
        value[:, alarm.device] += 32.0 * part * (1.0 + 0.1 * normal(county.seed, "leak", times // 300))
    return rounded(np.clip(value, 0.0, 95.0), 1)


def _manhole(county: County, sites: Sites, times: Ints) -> Reals:
    number = np.arange(len(sites.ids))
    shake = uniform(county.seed, "shake", times[:, None] // 300, number)
    value = 1.2 * uniform(county.seed, "tilt", number) + 0.3 * shake
    for alarm in county.incidents.during(int(times[0]), int(times[-1]) + 1, "sensor_manhole"):
        value[(times >= alarm.start) & (times < alarm.end), alarm.device] += 38.0
    return rounded(value, 1)


def _lamp(county: County, sites: Sites, times: Ints) -> Reals:
    number = np.arange(len(sites.ids))
    hour = county.days.local_hour(times)[:, None]
    lit = (hour > 18.4) | (hour < 6.1)
    value = np.where(lit, 118.0 + 8.0 * normal(county.seed, "lamp", times[:, None] // 300, number), 0.0)
    for alarm in county.incidents.during(int(times[0]), int(times[-1]) + 1, "sensor_lamp"):
        value[(times >= alarm.start) & (times < alarm.end), alarm.device] = 0.0
    return rounded(np.maximum(value, 0.0), 1)


def _ponding(county: County, sites: Sites, times: Ints) -> Reals:
    """Water (cm) of the last 1½ hours' rain, newest weighing most after half an hour."""
    day = int(times[-1] - 1) // 86400
    first = len(county.sites["station_rain"].ids)
    rain = np.concatenate([county.sky.rain(day - 1)[-18:], county.sky.rain(day)])[:, first:][:, sites.town] / 10.0
    weights = np.array([0.4, 0.7, 0.9, 1, 1, 1, 1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05])
    wet = np.zeros((len(times), len(sites.ids)))
    for ago, weight in enumerate(weights):
        wet += weight * rain[18 - ago:18 - ago + len(times)]
    low = 0.2 + 0.8 * uniform(county.seed, "lowland", np.arange(len(sites.ids)))
    return rounded(np.clip((wet * low - 8.0) * 1.5, 0.0, 120.0), 1)


def _bridge(county: County, sites: Sites, times: Ints) -> Reals:
    number = np.arange(len(sites.ids))
    hour = county.days.local_hour(times)[:, None]
    load = 25.0 * bump(hour, 8.0, 1.3) + 28.0 * bump(hour, 17.8, 1.6)
    value = 40.0 + 40.0 * uniform(county.seed, "bridge", number) + load + 1.2 * county.sky.temperature(times)[:, None]
    value = value + 4.0 * normal(county.seed, "strain", times[:, None] // 300, number)
    for alarm in county.incidents.during(int(times[0]), int(times[-1]) + 1, "sensor_bridge"):
        value[(times >= alarm.start) & (times < alarm.end), alarm.device] += 120.0
    return rounded(value, 0)


MAKERS: dict[str, Callable[[County, Sites, Ints], Reals]] = {
    "sensor_water_pressure": _pressure, "sensor_gas": _gas, "sensor_manhole": _manhole, "sensor_lamp": _lamp,
    "sensor_ponding": _ponding, "sensor_bridge": _bridge,
}


def silent(county: County, layer: str, times: Ints) -> Flags:
    """(n, k) devices that send nothing: dead for the week, without power, or (scenario feed-down) all gas sensors."""
    sites = county.sites[layer]
    weeks = county.days.local_day(times)[:, None] // 7
    quiet = uniform(county.seed, "dead", layer, weeks, np.arange(len(sites.ids))) < DEAD_SHARE
    if layer in UNPOWERED_BY_CUT:
        for cut in county.incidents.during(int(times[0]), int(times[-1]) + 1, "power_cut"):
            inside = (times >= cut.start) & (times < cut.end)
            quiet[np.ix_(inside, sites.town == cut.town)] = True
    if county.scenario == "feed-down" and county.anchor is not None and layer == "sensor_gas":
        quiet[times > county.anchor - 9000] = True
    return np.asarray(quiet, bool)


def sensors(county: County, day: int) -> list[Series]:
    """The six kinds of devices at every 5 minutes of a UTC day."""
    times, made = slot_ends(day, 300), []
    for layer, make in MAKERS.items():
        sites = county.sites[layer]
        value = np.where(silent(county, layer, times), np.nan, make(county, sites, times))
        made.append(Series(METRICS[layer], sites.ids, times, value))
    return made
