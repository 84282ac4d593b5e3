"""What comes in on a day: ordinary matters, calls that an incident or rain brings, and duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from demo.chance import Flags, Ints, Reals, count, normal, one, pick, uniform
from demo.days import DAY_S
from demo.texts import CHANNEL_SHARES, CHANNELS, HOURLY, WEIGHTS

if TYPE_CHECKING:
    from demo.county import County

NORMAL_DAY, REST_DAY = 470.0, 400.0
FEWEST, MOST, RAIN_MOST = 300, 600, 120
RAIN_CATEGORIES = (("safe_flood", 0.5), ("fac_drain", 0.22), ("safe_tree", 0.18), ("safe_geo", 0.10))
DUPLICATE_SHARE = 0.05
BY_POINT, BY_VILLAGE, BY_TOWN = 0, 1, 2


@dataclass
class Intake:
    """Events received on one local day, a column each: `time` s, indices, lon/lat, how it is placed, what caused it.

    `twin` is the position of the event that this one repeats, -1 if it is none; `cause` the id of an incident or "".
    """

    time: Ints
    category: Ints
    village: Ints
    channel: Ints
    placing: Ints
    lon: Reals
    lat: Reals
    twin: Ints
    cause: list[str]


class Desk:
    """Makes the intake of any day of a county."""

    def __init__(self, county: County):
        self.county = county
        self.keys = tuple(county.categories)
        self.hours = np.array([county.categories[key].hours for key in self.keys], float)
        self.departments = tuple(county.categories[key].department for key in self.keys)
        self.weights = np.array([WEIGHTS.get(key, 1.0) for key in self.keys])
        self._shares = np.array([CHANNEL_SHARES.get(county.categories[key].parent, CHANNEL_SHARES["gov"])
                                 for key in self.keys])

    def intake(self, day: int) -> Intake:
        """All events of a local day."""
        extra = self._of_incidents(day) + self._of_rain(day)
        ordinary = self._ordinary(day, len(extra))
        rows = ordinary + extra
        made = self._columns(day, rows)
        self._make_twins(day, made, len(ordinary))
        return made

    def size(self, day: int) -> float:
        """Expected ordinary events of a local day."""
        days = np.array([day])
        base = REST_DAY if self.county.days.off(days)[0] else NORMAL_DAY
        return float(base * (1.0 - 0.28 * self.county.days.homecoming(days)[0]))

    def _ordinary(self, day: int, extra: int) -> list[dict[str, Any]]:
        seed = self.county.seed
        number = int(np.clip(count(self.size(day), seed, "intake", day), FEWEST, MOST - min(extra, 290)))
        which = np.arange(number)
        start = self.county.days.start(day)
        hours = pick(HOURLY, uniform(seed, "hour", day, which)) + uniform(seed, "minute", day, which)
        month = self.county.days.month(np.array([day]))[0]
        weights = self.weights.copy()
        if "safe_forest" in self.keys:
            weights[self.keys.index("safe_forest")] *= 2.5 if month > 9.5 or month < 3.0 else 0.3
        category = pick(weights, uniform(seed, "category", day, which))
        villages = self.county.ground.villages_for(number, 0.35, "event", day)
        return [{"time": start + int(hour * 3600), "category": int(kind), "village": village}
                for hour, kind, village in zip(hours, category, villages, strict=True)]

    def _of_incidents(self, day: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for incident in self.county.incidents.of_day(day):
            if incident.category not in self.keys:
                continue
            row = {"category": self.keys.index(incident.category), "cause": incident.id}
            if incident.device >= 0:
                sites = self.county.sites[incident.kind]
                rows.append(row | {"time": incident.start + 60 + int(180 * one(self.county.seed, "alarm", incident.id)),
                                   "village": int(sites.village[incident.device]), "channel": CHANNELS.index("iot"),
                                   "lon": float(sites.lon[incident.device]), "lat": float(sites.lat[incident.device])})
                continue
            draw = uniform(self.county.seed, "calls", incident.id, np.arange(incident.calls), np.arange(3)[:, None])
            # two exponential waits: few calls at once, most after half an hour, a thin tail
            waits = np.minimum(-(np.log(1 - draw[0]) + np.log(1 - draw[1])) * 1300, 4 * 3600)
            inside = self.county.ground.towns[incident.town].villages
            rows += [row | {"time": incident.start + int(wait), "village": inside[int(place * len(inside))],
                            "channel": 0} for wait, place in zip(waits, draw[2], strict=True)]
        return rows

    def _of_rain(self, day: int) -> list[dict[str, Any]]:
        county, first = self.county, len(self.county.sites["station_rain"].ids)
        hour0 = county.days.start(day) // 3600
        fell = county.sky.hours(hour0 - 1, hour0 + 24)[:, first:]
        felt = np.maximum(0.55 * fell[1:] + 0.45 * fell[:-1] - 6.0, 0.0)
        mean = felt * county.ground.town_people / county.ground.town_people.sum() * 2.2
        if mean.sum() > RAIN_MOST:
            mean *= RAIN_MOST / mean.sum()
        rows: list[dict[str, Any]] = []
        for hour, town in zip(*np.nonzero(mean > 0), strict=True):
            inside = county.ground.towns[town].villages
            for number in range(count(float(mean[hour, town]), county.seed, "raincalls", day, int(hour), int(town))):
                draw = uniform(county.seed, "raincall", day, int(hour), int(town), number, np.arange(3))
                kind = int(pick([share for _, share in RAIN_CATEGORIES], draw[:1])[0])
                rows.append({"time": (hour0 + int(hour)) * 3600 + int(3600 * draw[1]), "cause": f"rain-{day}",
                             "category": self.keys.index(RAIN_CATEGORIES[kind][0]),
                             "village": inside[int(draw[2] * len(inside))]})
        return rows

    def _columns(self, day: int, rows: list[dict[str, Any]]) -> Intake:
        seed, ground, number = self.county.seed, self.county.ground, len(rows)
        which = np.arange(number)
        category = np.array([row["category"] for row in rows], np.int64)
        village = np.array([row["village"] for row in rows], np.int64)
        share = self._shares[category].cumsum(axis=1)
        drawn = uniform(seed, "channel", day, which)[:, None] * share[:, -1:]
        channel = np.minimum((drawn >= share).sum(axis=1), len(CHANNELS) - 2)
        fixed = np.array([row.get("channel", -1) for row in rows], np.int64)
        spots = ground.spots[village, (uniform(seed, "place", day, which) * ground.spots.shape[1]).astype(np.int64)]
        lon = np.array([row.get("lon", spot[0]) for row, spot in zip(rows, spots, strict=True)])
        lat = np.array([row.get("lat", spot[1]) for row, spot in zip(rows, spots, strict=True)])
        placing = np.searchsorted([0.86, 0.96], uniform(seed, "placing", day, which)).astype(np.int64)
        placing[[position for position, row in enumerate(rows) if "lon" in row]] = BY_POINT
        return Intake(np.array([row["time"] for row in rows], np.int64), category, village,
                      np.where(fixed >= 0, fixed, channel), placing, lon, lat, np.full(number, -1, np.int64),
                      [row.get("cause", "") for row in rows])

    def _make_twins(self, day: int, made: Intake, ordinary: int) -> None:
        """Some ordinary events tell again, within six hours and 40 m, what an earlier one told."""
        seed, which = self.county.seed, np.arange(ordinary)
        again = np.flatnonzero(uniform(seed, "twin", day, which) < DUPLICATE_SHARE)
        for position in again:
            first = int(one(seed, "twinof", day, int(position)) * ordinary)
            if first in again or first == position:
                continue
            made.twin[position] = first
            made.category[position], made.village[position] = made.category[first], made.village[first]
            made.lon[position], made.lat[position] = made.lon[first], made.lat[first]
            made.placing[position] = made.placing[first]
            made.time[position] = made.time[first] + 300 + int(6 * 3600 * one(seed, "twinwait", day, int(position)))


def lateness(desk: Desk, day: int, made: Intake) -> tuple[Reals, Flags]:
    """Time from receipt to closing (s) of each event, and which are answered at once on the telephone."""
    seed, which = desk.county.seed, np.arange(len(made.time))
    slow = np.exp(-0.85 + 0.55 * normal(seed, "slow", day, which))
    town = desk.county.ground.village_town[made.village]
    slow = slow * (0.85 + 0.35 * uniform(seed, "townpace", town))
    quick = np.where(made.channel >= 5, 0.6, np.where(made.channel == 2, 0.8, 1.0))
    taken = np.clip(slow * quick * desk.hours[made.category] * 3600.0, 900.0, 24.0 * DAY_S)
    ordinary = np.array([not cause for cause in made.cause], bool)
    direct = (made.channel == 0) & (uniform(seed, "direct", day, which) < 0.08) & ordinary
    return np.asarray(taken), np.asarray(direct, bool)
