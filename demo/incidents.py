"""What goes wrong in the demo county: cuts of a township's water or power, and single devices that fail or alarm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from demo.chance import Ints, Reals, count, one, pick, uniform
from demo.days import DAY_S, Days

if TYPE_CHECKING:
    from demo.ground import Ground
    from demo.sites import Sites

RATES = {"water_cut": 0.16, "power_cut": 0.22}
# layer: expected alarms a day, shortest and longest hours, event category
ALARMS = {
    "sensor_gas": (0.35, 0.7, 2.5, "util_gas"), "sensor_manhole": (0.7, 1.0, 6.0, "fac_manhole"),
    "sensor_lamp": (1.2, 14.0, 60.0, "fac_lamp"), "sensor_bridge": (0.12, 1.0, 4.0, "fac_road"),
}


@dataclass(frozen=True)
class Incident:
    """A cut (`device` -1, whole township) or a device's alarm; times in s. `calls` = extra calls it brings."""

    kind: str
    id: str
    town: int
    device: int
    start: int
    end: int
    calls: int
    category: str


class Incidents:
    """Incidents by local day."""

    def __init__(self, seed: int, days: Days, ground: Ground, sensors: dict[str, Sites]):
        self.seed, self.days, self.ground, self.sensors = seed, days, ground, sensors
        self.of_day = lru_cache(maxsize=2000)(self._of_day)

    def _of_day(self, day: int) -> tuple[Incident, ...]:
        """All incidents that start on a local day."""
        found = [cut for kind in RATES for cut in self._cuts(kind, day)]
        for layer in ALARMS:
            found += self._alarms(layer, day)
        return tuple(found)

    def _cuts(self, kind: str, day: int) -> list[Incident]:
        if one(self.seed, kind, day) >= RATES[kind]:
            return []
        draw = uniform(self.seed, kind, day, np.arange(1, 5))
        town = int(pick(self.ground.town_people, draw[:1])[0])
        start = self.days.start(day) + int((6.5 + 12 * draw[1]) * 3600)
        lasts = int((2.0 + 5.0 * draw[2]) * 3600) if kind == "water_cut" else int((0.8 + 3.0 * draw[2]) * 3600)
        calls = int(8 + min(55.0, self.ground.towns[town].people / 1800.0) * (0.6 + 0.8 * draw[3]))
        category = "util_water" if kind == "water_cut" else "util_power"
        return [Incident(kind, f"{kind}-{day}", town, -1, start, start + lasts, calls, category)]

    def _alarms(self, layer: str, day: int) -> list[Incident]:
        rate, short, long, category = ALARMS[layer]
        sites, found = self.sensors[layer], []
        for number in range(count(rate, self.seed, layer, day)):
            draw = uniform(self.seed, layer, day, number, np.arange(3))
            device = int(draw[0] * len(sites.ids))
            start = self.days.start(day) + int(draw[1] * DAY_S)
            lasts = int((short + (long - short) * draw[2]) * 3600)
            found.append(Incident(layer, f"{layer}-{day}-{number}", int(sites.town[device]), device, start,
                                  start + lasts, 1, category))
        return found

    def during(self, first_s: int, last_s: int, kind: str = "") -> list[Incident]:
        """Incidents that touch [first_s, last_s) (none lasts longer than three days)."""
        zone = self.days.zone_s
        days = range((first_s + zone) // DAY_S - 3, (last_s + zone) // DAY_S + 1)
        return [found for day in days for found in self.of_day(day)
                if found.start < last_s and found.end > first_s and (not kind or found.kind == kind)]

    def cut_share(self, kind: str, times: Ints) -> Reals:
        """(n, towns) share of a township without supply: 0.6 during a cut."""
        share = np.zeros((len(times), len(self.ground.towns)))
        for cut in self.during(int(times[0]), int(times[-1]) + 1, kind):
            share[(times >= cut.start) & (times < cut.end), cut.town] = 0.6
        return share
