"""A pack's road network: the lines of `roads.geojson` with the speeds that `travel.yaml` gives their classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.errors import WrongInput
from data.packfiles import shown
from data.travel import Travel
from data.vectorfiles import read_vector
from geo.roads import BACKWARD, FORWARD, Road, RoadNetwork

ROADS = "roads.geojson"
_ONEWAY = {"yes": FORWARD, "true": FORWARD, "1": FORWARD, "-1": BACKWARD}


def read_roads(root: Path, travel: Travel) -> RoadNetwork | None:
    """The pack's road network, None where it has none.

    Raises:
        WrongInput: the file cannot be read, or a feature in it is no line.
    """
    path = root / ROADS
    if not path.is_file():
        return None
    roads: list[Road] = []
    for number, feature in enumerate(read_vector(path), 1):
        if feature.geometry is None or not feature.geometry.geom_type.endswith("LineString"):
            raise WrongInput(f"{shown(path)}:1: 第 {number} 个要素不是线，道路应为 LineString 或 MultiLineString")
        roads.append(Road(feature.geometry, travel.roads.get(str(feature.properties.get("class")), travel.other_kmh),
                          _way(feature.properties.get("oneway"))))
    if not roads:
        raise WrongInput(f"{shown(path)}:1: 没有一条道路；请补上，或删去这个文件")
    return RoadNetwork(roads)


def _way(told: Any) -> int:
    return _ONEWAY.get(str(told).strip().lower(), 0)
