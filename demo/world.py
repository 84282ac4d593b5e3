"""Everything that the simulator and the history are made of, for one pack and one memory."""

from __future__ import annotations

from dataclasses import dataclass

from data.pack import Pack
from demo.bulletins import Bulletins
from demo.city_events import CityEvents
from demo.county import County
from demo.economy import Economy
from demo.feeds import Observations


@dataclass(frozen=True)
class World:
    """The county and its feeds."""

    county: County
    observations: Observations
    events: CityEvents
    bulletins: Bulletins
    economy: Economy


def make_world(pack: Pack, scenario: str, anchor: int) -> World:
    """The demo county on the ground of a pack."""
    county = County(pack.divisions, pack.calendar, pack.categories, scenario, anchor)
    return World(county, Observations(county), CityEvents(county), Bulletins(county), Economy(county))
