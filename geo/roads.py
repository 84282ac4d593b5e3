"""A road network: lines that meet in shared points, the quickest way to one place from many, off-road legs included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import rustworkx as rx
import shapely
from shapely.geometry.base import BaseGeometry

from geo.areas import Pair, distance_m
from geo.azimuthal import Azimuthal

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
# Ends of two lines that round to the same 1e-6 degree (0.1 m) are one crossing.
DIGITS = 6
FORWARD, BACKWARD = 1, -1
MOST_SNAPS = 50_000


@dataclass(frozen=True)
class Road:
    """One line of the network. way: 0 both directions, 1 only as drawn, -1 only against it."""

    line: BaseGeometry
    kmh: float
    way: int = 0


@dataclass(frozen=True)
class Snap:
    """A place on the network: the piece of road nearest to it, how far along (0–1), and how far off the road (m)."""

    edge: int
    share: float
    off_m: float


@dataclass(frozen=True)
class Way:
    """From a place to the target: minutes, off-road legs included.

    start, goal: where it enters and leaves the roads. leaves, enters: the crossings between which it runs over other
    pieces, -1 where both ends lie on one piece. ends_m: how far it is on the pieces before and after those crossings.
    """

    minutes: float
    start: Snap
    goal: Snap
    leaves: int = -1
    enters: int = -1
    ends_m: float = 0.0


class RoadNetwork:
    """Built once, then only read: several threads may ask at the same time.

    Roads that cross without a shared point (a bridge over a road) are not joined.
    """

    def __init__(self, roads: Sequence[Road]) -> None:
        lines, owners = _pieces(roads)
        self._pieces = np.array(lines, object)
        self._tree = shapely.STRtree(self._pieces)
        self._length_m = _lengths_m(lines)
        speeds = np.array([roads[owner].kmh for owner in owners], float)
        self._minutes: list[float] = (self._length_m / (speeds * 1000 / 60)).tolist()
        self._snapped: dict[Pair, Snap] = {}
        self._way = np.array([roads[owner].way for owner in owners], np.int8)
        self._ends, count = _crossings(lines)
        # Against the traffic: from the target backwards to where people set out.
        self._graph: Any = rx.PyDiGraph(multigraph=True)
        self._graph.add_nodes_from(range(count))
        for edge, (first, last) in enumerate(self._ends.tolist()):
            if self._way[edge] != BACKWARD:
                self._graph.add_edge(last, first, edge)
            if self._way[edge] != FORWARD:
                self._graph.add_edge(first, last, edge)

    def __len__(self) -> int:
        return len(self._pieces)

    def snap(self, place: Pair) -> Snap:
        """The nearest piece of road to a (lon, lat), remembered: what stands somewhere is asked about again."""
        held = self._snapped.get(place)
        if held is None:
            if len(self._snapped) >= MOST_SNAPS:
                self._snapped = {}
            held = self._snapped[place] = self._found(place)
        return held

    def _found(self, place: Pair) -> Snap:
        plane, here = Azimuthal(*place), shapely.Point(0, 0)
        near = self._near(place)
        flat = [shapely.transform(self._pieces[edge], plane.to_m) for edge in near]
        off = [float(shapely.distance(line, here)) for line in flat]
        best = int(np.argmin(off))
        share = float(shapely.line_locate_point(flat[best], here, normalized=True))
        return Snap(int(near[best]), share, off[best])

    def _near(self, place: Pair) -> IntArray:
        """Pieces that may be the nearest: degrees are not meters, so all within a little more than the nearest."""
        point = shapely.Point(place)
        reach = self._tree.query_nearest(point, return_distance=True)[1]
        widest = float(reach[0]) / max(0.1, float(np.cos(np.radians(place[1])))) + 1e-9
        return np.asarray(self._tree.query(point, predicate="dwithin", distance=widest), np.int64)

    def ways_to(self, target: Pair, places: Sequence[Pair], off_kmh: float, most_off_m: float) -> list[Way | None]:
        """The quickest way from each place to the target.

        Args:
            target: (lon, lat). places: (lon, lat) each.
            off_kmh: speed between a place and the road nearest to it.
            most_off_m: farther off than this is not on the network.

        Returns:
            None where the target or the place is too far off every road, or no road leads there.
        """
        goal = self.snap(target)
        if goal.off_m > most_off_m:
            return [None] * len(places)
        branches = self._branches(goal)
        starts = [self.snap(place) for place in places]
        return [None if start.off_m > most_off_m else self._way_from(start, goal, branches, off_kmh)
                for start in starts]

    def _branches(self, goal: Snap) -> list[tuple[int, float, Mapping[int, float]]]:
        """For both ends of the target's piece: (crossing, minutes from it to the target, minutes to it from all)."""
        found: list[tuple[int, float, Mapping[int, float]]] = []
        for node, minutes in self._arrivals(goal):
            to_it = rx.digraph_dijkstra_shortest_path_lengths(self._graph, node, self._cost)
            found.append((node, minutes, {node: 0.0, **dict(to_it)}))
        return found

    def _cost(self, edge: int) -> float:
        return self._minutes[edge]

    def _arrivals(self, goal: Snap) -> list[tuple[int, float]]:
        """Crossings from which the target can be entered, and the minutes along its piece."""
        first, last = self._ends[goal.edge].tolist()
        whole, way = self._cost(goal.edge), int(self._way[goal.edge])
        found = [(first, goal.share * whole)] if way != BACKWARD else []
        return found + ([(last, (1 - goal.share) * whole)] if way != FORWARD else [])

    def _departures(self, start: Snap) -> list[tuple[int, float]]:
        """Crossings that can be reached first from a place on its piece, and the minutes there."""
        first, last = self._ends[start.edge].tolist()
        whole, way = self._cost(start.edge), int(self._way[start.edge])
        found = [(last, (1 - start.share) * whole)] if way != BACKWARD else []
        return found + ([(first, start.share * whole)] if way != FORWARD else [])

    def _way_from(self, start: Snap, goal: Snap, branches: list[tuple[int, float, Mapping[int, float]]],
                  off_kmh: float) -> Way | None:
        options = [(left + to_it[leaves] + arrives, leaves, enters, left, arrives) for leaves, left in
                   self._departures(start) for enters, arrives, to_it in branches if leaves in to_it]
        best = min(options, default=None)
        along = self._same_piece(start, goal)
        off_min = (start.off_m + goal.off_m) / (off_kmh * 1000 / 60)
        if along is not None and (best is None or along <= best[0]):
            return Way(along + off_min, start, goal)
        if best is None:
            return None
        # Both ends of a loop are one crossing, so that the crossing does not tell which way round was quicker.
        ends_m = self._along_m(start, best[3]) + self._along_m(goal, best[4])
        return Way(best[0] + off_min, start, goal, best[1], best[2], ends_m)

    def _along_m(self, snap: Snap, minutes: float) -> float:
        """How far one comes in so many minutes on the piece of a place."""
        return float(self._length_m[snap.edge] * minutes / self._cost(snap.edge))

    def _same_piece(self, start: Snap, goal: Snap) -> float | None:
        """Minutes along the piece that both lie on, where its direction allows that."""
        ahead, way = goal.share - start.share, int(self._way[start.edge])
        if start.edge != goal.edge or ahead * way < 0:
            return None
        return abs(ahead) * self._cost(start.edge)

    def road_m(self, way: Way) -> float:
        """Length on the roads of a way, which was chosen by its minutes."""
        start, goal = way.start, way.goal
        if way.leaves < 0:
            return float(abs(goal.share - start.share) * self._length_m[start.edge])
        if way.leaves == way.enters:
            return way.ends_m
        path = rx.digraph_dijkstra_shortest_paths(self._graph, way.enters, target=way.leaves, weight_fn=self._cost)
        nodes = list(path[way.leaves])
        steps = [min(self._graph.get_all_edge_data(a, b), key=self._cost) for a, b in pairwise(nodes)]
        return float(way.ends_m + self._length_m[steps].sum())


def _pieces(roads: Sequence[Road]) -> tuple[list[BaseGeometry], list[int]]:
    """Every road cut where another one begins, ends or shares a point with it; and whose piece each is."""
    owners = [at for at, road in enumerate(roads) for _ in shapely.get_parts(road.line)]
    courses = [_rounded(part) for road in roads for part in shapely.get_parts(road.line)]
    met = Counter(point for course in courses for point in course)
    lines: list[BaseGeometry] = []
    whose: list[int] = []
    for course, owner in zip(courses, owners, strict=True):
        for piece in _cut(course, lambda point: met[point] > 1):
            lines.append(shapely.LineString(piece))
            whose.append(owner)
    return lines, whose


def _rounded(line: BaseGeometry) -> list[Pair]:
    """The line's points without those that repeat the one before."""
    points = [(float(lon), float(lat)) for lon, lat in shapely.get_coordinates(line).round(DIGITS)]
    return [point for at, point in enumerate(points) if at == 0 or point != points[at - 1]]


def _cut(course: list[Pair], joins: Callable[[Pair], bool]) -> list[list[Pair]]:
    found, begun = [], 0
    for at in range(1, len(course)):
        if at == len(course) - 1 or joins(course[at]):
            found.append(course[begun:at + 1])
            begun = at
    return found


def _crossings(lines: Sequence[BaseGeometry]) -> tuple[IntArray, int]:
    """((k, 2) crossing numbers at the ends of each piece, how many crossings)."""
    ends = np.array([[line.coords[0], line.coords[-1]] for line in lines], np.float64).reshape(-1, 2)
    names, numbers = np.unique(ends, axis=0, return_inverse=True)
    return numbers.reshape(-1, 2), len(names)


def _lengths_m(lines: Sequence[BaseGeometry]) -> FloatArray:
    """Geodesic length of each line, m."""
    return np.array([_length_m(line) for line in lines], np.float64)


def _length_m(line: BaseGeometry) -> float:
    points = shapely.get_coordinates(line)
    return float(sum(distance_m((a[0], a[1]), [b[0]], [b[1]])[0] for a, b in pairwise(points)))
