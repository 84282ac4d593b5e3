"""What lies still under a drawn area: the place's outline, rivers, points that stand for divisions, roads."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from data.columns import Array
from data.errors import WrongInput
from data.pack import Pack
from data.road_file import read_roads
from data.vectorfiles import read_vector
from geo.areas import Area, BadArea, Pair, area_of, distance_m, parse, point_of
from geo.roads import RoadNetwork

log = logging.getLogger(__name__)
MOST_HELD = 200


@dataclass(frozen=True)
class Touched:
    """Divisions of one level that an area touches, by position: wholly in it, partly with their point in it, the rest.
    """

    whole: Array
    partly: Array
    outside: Array


class AreaGround:
    """Made once for a pack; areas that were asked for are kept."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._areas: OrderedDict[str, Area] = OrderedDict()
        self._lock = threading.Lock()

    def area(self, text: str) -> Area:
        """The area of an address.

        Raises:
            WrongInput: not of the grammar, too large, without extent, or outside the place.
        """
        with self._lock:
            if text in self._areas:
                self._areas.move_to_end(text)
                return self._areas[text]
        try:
            drawn = parse(text)
            found = area_of(drawn, self.pack.divisions.geometry[0], self.rivers if drawn.form == "river" else {})
        except BadArea as error:
            raise WrongInput(str(error)) from error
        if drawn.form == "river":
            found = replace(found, notes=(*found.notes, *self._river_notes(drawn.name)))
        with self._lock:
            self._areas[text] = found
            while len(self._areas) > MOST_HELD:
                self._areas.popitem(last=False)
        return found

    def place(self, text: str) -> Pair:
        """The place that something is sought from: `LON,LAT`, or the center of an area.

        Raises:
            WrongInput: neither of them.
        """
        if ":" in text:
            return self.area(text).center
        try:
            lon, lat = point_of(text)
        except BadArea as error:
            raise WrongInput(str(error)) from error
        if not shapely.intersects_xy(self.pack.divisions.geometry[0], lon, lat):
            raise WrongInput(f"{lon:g},{lat:g} 在辖区之外；请换一个辖区以内的位置")
        return lon, lat

    @cached_property
    def rivers(self) -> dict[str, BaseGeometry]:
        """Name → course of the rivers that the pack names."""
        found: dict[str, list[BaseGeometry]] = {}
        for feature in self._river_features:
            name = str(feature.properties.get("name") or "")
            if name and feature.geometry is not None:
                found.setdefault(name, []).append(feature.geometry)
        return {name: shapely.union_all(parts) for name, parts in found.items()}

    @cached_property
    def here(self) -> tuple[str, ...]:
        """Names of the rivers that run through the place."""
        return tuple(name for name, course in self.rivers.items()
                     if shapely.intersects(course, self.pack.divisions.geometry[0]))

    @cached_property
    def roads(self) -> RoadNetwork | None:
        """The pack's road network, None where it has none. Raises WrongInput for a file that is none."""
        return read_roads(self.pack.root, self.pack.travel)

    def touched(self, area: Area, level: int, inside: Array) -> Touched:
        """Divisions of a level, of those in the mask `inside`, that the area touches."""
        positions, tree = self._trees[level]
        near = positions[np.sort(tree.query(area.shape, predicate="intersects"))]
        near = near[inside[near]]
        shapes = np.array([self.pack.divisions.geometry[at] for at in near], object)
        shapely.prepare(area.shape)
        if len(near):
            # Whoever shares no more than an edge with it has nobody in it.
            shared = ~np.asarray(shapely.touches(area.shape, shapes), bool)
            near, shapes = near[shared], shapes[shared]
        whole = np.asarray(shapely.covers(area.shape, shapes), bool) if len(near) else np.zeros(0, bool)
        held = area.contains(*self._points[near].T) if len(near) else whole
        return Touched(near[whole], near[~whole & held], near[~whole & ~held])

    @cached_property
    def _trees(self) -> list[tuple[Array, shapely.STRtree]]:
        divisions = self.pack.divisions
        shapes = np.array(divisions.geometry, object)
        levels = [divisions.at_level(level) for level in range(len(divisions.level_names))]
        return [(positions, shapely.STRtree(shapes[positions])) for positions in levels]

    @cached_property
    def _points(self) -> Array:
        """(n, 2) lon/lat of what stands for each division: its seat, else a point well inside it."""
        divisions = self.pack.divisions
        inner = shapely.get_coordinates(shapely.point_on_surface(np.array(divisions.geometry, object)))
        seats = [item.seat or tuple(point) for item, point in zip(divisions.items, inner, strict=True)]
        return np.array(seats, np.float64)

    @cached_property
    def _river_features(self) -> list[Any]:
        path = self.pack.root / "rivers.geojson"
        return read_vector(path) if path.is_file() else []

    def _river_notes(self, name: str) -> tuple[str, ...]:
        """What the rivers' file says about this one."""
        return tuple(dict.fromkeys(str(feature.properties["note"]) for feature in self._river_features
                                   if feature.properties.get("note") and name in str(feature.properties.get("name"))))

    def warm(self) -> None:
        """Makes ahead, on a thread of its own, what a first question would wait for; a bad file is told again there."""
        def make() -> None:
            try:
                made = len(self._trees), len(self._points), len(self.here), self.roads is not None
                distance_m((0.0, 0.0), [0.0], [0.0])
                log.debug("areas: ready (%s)", made)
            except WrongInput as error:
                log.warning("%s", error)

        threading.Thread(target=make, name="areas", daemon=True).start()
