"""One seeded state of the demo county: every feed is a pure function of this value and the time."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from data.pack import Category
from demo.days import Days
from demo.ground import Ground
from demo.incidents import Incidents
from demo.sites import LAYERS, SENSOR_LAYERS, Sites, make_sites
from demo.weather import Sky
from geo.divisions import Divisions

SEED = 360731
SCENARIOS = ("quiet", "storm", "feed-down")


class County:
    """The demo county.

    Attributes:
        anchor: s since the epoch at which a scenario is centred (None: no scenario). storm_at: the same for storm only.
        sites: stations and devices by layer. sky: weather at the 24 rain stations, then at every township.
    """

    def __init__(self, divisions: Divisions, calendar: dict[str, Any], categories: dict[str, Category],
                 scenario: str = "quiet", anchor: int | None = None):
        self.seed = SEED
        self.scenario, self.anchor = scenario, anchor
        self.storm_at = anchor if scenario == "storm" else None
        self.categories = {key: one for key, one in categories.items() if one.hours}
        self.days = Days(calendar, 8 * 3600)
        self.ground = Ground(divisions, self.seed)
        self.sites: dict[str, Sites] = {layer: make_sites(self.ground, layer) for layer in LAYERS}
        rain = self.sites["station_rain"]
        towns = self.ground.towns
        self.sky = Sky(self.seed, self.days, np.concatenate([rain.x_km, [town.x_km for town in towns]]),
                       np.concatenate([rain.y_km, [town.y_km for town in towns]]), self.storm_at)

    @cached_property
    def incidents(self) -> Incidents:
        """What goes wrong."""
        return Incidents(self.seed, self.days, self.ground, {layer: self.sites[layer] for layer in SENSOR_LAYERS})
