"""An area drawn on a map: its text in an address, its shape, what lies inside, how far something is from it.

Lengths are geodesics of the CGCS2000 ellipsoid, taken as GRS 80 (the two differ by less than a micrometer here). What
stands between: a circle's outline for drawing has 180 corners, so its chords lie at most 0.016 % of the radius inside;
its contents are judged by distance, not by the outline. Edges of polygons and lines are straight in longitude and
latitude as in GeoJSON (RFC 7946); a geodesic of 20 km leaves such an edge by up to 4 m. Bands are measured in the plane
of azimuths and distances around the line's middle, whose scale is off by less than 1 in 20,000 within 100 km of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from geo.azimuthal import Azimuthal, geod, same

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Pair = tuple[float, float]
MOST_POINTS, MOST_CROSSINGS, CORNERS, STEP_DEG = 200, 60, 180, 0.005
RADIUS_M, BUFFER_M = (20.0, 50_000.0), (20.0, 20_000.0)
LONGEST = 8000
FORMS = ("circle", "polygon", "line", "river")
GRAMMAR = ("circle:LON,LAT,R、polygon:LON,LAT;LON,LAT;…、line:B;LON,LAT;…、river:NAME,B"
           "（R 为半径、B 为缓冲，单位米）")
_NUMBER = re.compile(r"^-?[0-9]{1,6}(\.[0-9]{1,15})?$")


class BadArea(ValueError):
    """No area can be made of a text; the message is one plain sentence."""


@dataclass(frozen=True)
class Drawn:
    """What an address says. points: (lon, lat) in degrees; reach_m: radius or half a band's width; name: river."""

    form: str
    points: tuple[Pair, ...] = ()
    reach_m: float = 0.0
    name: str = ""

    @property
    def text(self) -> str:
        """The address's text, five decimals (about 1 m)."""
        places = ";".join(f"{lon:.5f},{lat:.5f}" for lon, lat in self.points)
        reach = f"{self.reach_m:g}"
        return {"circle": f"circle:{places},{reach}", "polygon": f"polygon:{places}", "line": f"line:{reach};{places}",
                "river": f"river:{self.name},{reach}"}[self.form]


@dataclass(frozen=True)
class Area:
    """A drawn area on the ground.

    shape: outline, lon/lat EPSG:4490. core: what `reach_m` is measured from, lon/lat. center: (lon, lat). km2,
    perimeter_m: of the outline. notes: sentences on what was done to it.
    """

    drawn: Drawn
    shape: BaseGeometry
    core: BaseGeometry
    center: Pair
    km2: float
    perimeter_m: float
    notes: tuple[str, ...] = field(default=())

    @property
    def linear(self) -> bool:
        """True for a band along a line: distances are from the line, not from a center."""
        return self.drawn.form in ("line", "river")

    def contains(self, lon: Any, lat: Any) -> Mask:
        """(n,) True for points inside or on the edge; not-a-number is outside.

        Args:
            lon: (n,) degrees east, EPSG:4490. lat: (n,) degrees north.
        """
        east, north = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
        west, south, far_east, far_north = shapely.bounds(self.shape)
        # The outline's chords lie a little inside of what it stands for.
        slack = 0.002 * max(far_east - west, far_north - south)
        inside = np.zeros(len(east), bool)
        near = np.flatnonzero((east >= west - slack) & (east <= far_east + slack) & (north >= south - slack)
                              & (north <= far_north + slack))
        if self.drawn.form == "polygon":
            inside[near] = shapely.intersects_xy(self.shape, east[near], north[near])
        else:
            inside[near] = self.distance_m(east[near], north[near]) <= self.drawn.reach_m
        return inside

    def distance_m(self, lon: Any, lat: Any) -> FloatArray:
        """(n,) meters from the center, of a band from the line it runs along."""
        east, north = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
        if not self.linear:
            return distance_m(self.center, east, north)
        plane = Azimuthal(*self.center)
        line = shapely.transform(shapely.segmentize(self.core, STEP_DEG), plane.to_m)
        points = shapely.points(plane.to_m(np.column_stack([east, north])))
        return np.asarray(shapely.distance(line, points), np.float64)


def distance_m(center: Pair, lon: Any, lat: Any) -> FloatArray:
    """(n,) lengths of the geodesics from a point, m."""
    east, north = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    return np.asarray(geod().inv(*same(center, len(east)), east, north)[2], np.float64)


def parse(text: str) -> Drawn:
    """The text of an address → what was drawn.

    Raises:
        BadArea: not of the grammar, too many points, or too large a radius or band.
    """
    form, colon, rest = text.strip().partition(":")
    if not colon or form not in FORMS or len(text) > LONGEST:
        raise BadArea(f"area={text!r:.60} 看不懂；写法为 {GRAMMAR}")
    if form == "circle":
        parts = rest.split(",")
        if len(parts) != 3:
            raise BadArea(f"圆写成 circle:LON,LAT,R（R 为半径米数），这里是 {rest!r:.60}")
        return Drawn(form, (_point(parts[:2]),), _reach(parts[2], "半径", RADIUS_M))
    if form == "river":
        name, comma, reach = rest.rpartition(",")
        if not comma or not name.strip():
            raise BadArea(f"沿河写成 river:NAME,B（B 为缓冲米数），这里是 {rest!r:.60}")
        return Drawn(form, (), _reach(reach, "缓冲宽度", BUFFER_M), name.strip())
    if form == "line":
        reach, _, rest = rest.partition(";")
        return Drawn(form, _points(rest, 2, "线"), _reach(reach, "缓冲宽度", BUFFER_M))
    return Drawn(form, _points(rest, 3, "多边形"))


def area_of(drawn: Drawn, place: BaseGeometry, rivers: Mapping[str, BaseGeometry]) -> Area:
    """What was drawn, on the ground.

    Args:
        drawn: from `parse`.
        place: outline of the whole place, lon/lat.
        rivers: name → course, lon/lat.

    Raises:
        BadArea: it has no extent, lies outside the place, or names no river that runs through it.
    """
    notes: list[str] = []
    core = _core(drawn, place, rivers, notes)
    center = _center(drawn, core)
    shape = core if drawn.form == "polygon" else _band(drawn, core, center)
    if not shapely.intersects(shape, place):
        raise BadArea("所画区域全部在辖区之外，没有可查的数据；请移到辖区以内再画")
    square_m, perimeter = _measured(shape)
    out = 1 - _measured(shapely.intersection(shape, place))[0] / square_m
    if out > 0.005:
        notes.append(f"区域约 {100 * out:.0f}% 在辖区之外，那里没有数据")
    return Area(drawn, shape, core, center, square_m / 1e6, perimeter, tuple(notes))


def _core(drawn: Drawn, place: BaseGeometry, rivers: Mapping[str, BaseGeometry], notes: list[str]) -> BaseGeometry:
    if drawn.form == "circle":
        return shapely.Point(drawn.points[0])
    if drawn.form == "polygon":
        return _polygon(drawn.points, notes)
    if drawn.form == "line":
        line = shapely.LineString(drawn.points)
        if len(set(drawn.points)) < 2:
            raise BadArea("线的各点重合，没有长度；请画出至少两个不同的点")
        _little_crossed(drawn.points, "线")
        return line
    return _river(drawn.name, place, rivers)


def _river(name: str, place: BaseGeometry, rivers: Mapping[str, BaseGeometry]) -> BaseGeometry:
    """The course within the place; a name that only one river's name holds is enough."""
    held = [full for full in rivers if name in full]
    chosen = name if name in rivers else held[0] if len(held) == 1 else ""
    known = "、".join(rivers) or "（地方包里没有带名称的河流）"
    if not chosen:
        raise BadArea(f"没有河流 {name!r:.40}；可用 {known}")
    course = shapely.intersection(rivers[chosen], place)
    if shapely.length(course) == 0:
        raise BadArea(f"河流 {chosen} 不流经辖区；可用 {known}")
    return shapely.line_merge(course) if course.geom_type == "MultiLineString" else course


def _polygon(points: Sequence[Pair], notes: list[str]) -> BaseGeometry:
    """The polygon; edges that cross enclose what lies between them, counted as drawn."""
    ring = [*points, points[0]] if points[0] != points[-1] else list(points)
    if len(set(ring)) < 3:
        raise BadArea("多边形至少要三个不同的点；请再加点")
    shape: BaseGeometry = shapely.Polygon(ring)
    why = shapely.is_valid_reason(shape)
    if why != "Valid Geometry":
        _little_crossed(ring, "多边形")
        found = re.search(r"\[(-?[0-9.]+) (-?[0-9.]+)\]", why)
        shape = _surfaces(shapely.make_valid(shape))
        at = f"在 {float(found[1]):.5f},{float(found[2]):.5f} " if found else ""
        notes.append(f"多边形的边{at}相交，已按所围成的各块合计")
    if _measured(shape)[0] < 1:
        raise BadArea("多边形的点都在一条线上，没有围成面；请移动其中一点")
    return shape


def _little_crossed(points: Sequence[Pair], word: str) -> None:
    """Raises BadArea where edges cross so often that mending would take seconds and its outline fill pages."""
    corners = np.asarray(points, np.float64)
    edges = np.array(shapely.linestrings(np.stack([corners[:-1], corners[1:]], axis=1)), object).reshape(-1)
    meeting = shapely.STRtree(edges).query(edges, predicate="intersects").shape[1]
    # Each edge meets itself and its two neighbors; every other meeting is counted from both sides.
    crossings = (meeting - 3 * len(edges)) // 2
    if crossings > MOST_CROSSINGS:
        raise BadArea(f"{word}的边互相交叉 {crossings} 次，最多 {MOST_CROSSINGS} 次；请少画几个点，或沿一个方向依次画")


def _surfaces(shape: BaseGeometry) -> BaseGeometry:
    """What of a repaired shape has an extent."""
    return shapely.union_all([part for part in shapely.get_parts(shape) if part.geom_type.endswith("Polygon")])


def _center(drawn: Drawn, core: BaseGeometry) -> Pair:
    """Of a line the point half-way along its longest piece, else the middle."""
    if drawn.form in ("line", "river"):
        longest = max(shapely.get_parts(core), key=shapely.length)
        point = shapely.line_interpolate_point(longest, 0.5, normalized=True)
    else:
        point = shapely.centroid(core)
    return float(point.x), float(point.y)


def _band(drawn: Drawn, core: BaseGeometry, center: Pair) -> BaseGeometry:
    """The outline of a circle or of a band along a line."""
    plane = Azimuthal(*center)
    if drawn.form == "circle":
        angles = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
        ring = drawn.reach_m * np.column_stack([np.sin(angles), np.cos(angles)])
        return shapely.Polygon(plane.to_degrees(ring))
    flat = shapely.transform(shapely.segmentize(core, STEP_DEG), plane.to_m)
    return shapely.transform(shapely.buffer(flat, drawn.reach_m, quad_segs=16), plane.to_degrees)


def _measured(shape: BaseGeometry) -> tuple[float, float]:
    """(m², perimeter in m) on the ellipsoid; an empty shape has none."""
    found = [geod().geometry_area_perimeter(shapely.orient_polygons(part))
             for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return sum(abs(square) for square, _ in found), sum(length for _, length in found)


def _points(text: str, least: int, word: str) -> tuple[Pair, ...]:
    parts = [part for part in text.split(";") if part.strip()]
    if not least <= len(parts) <= MOST_POINTS:
        raise BadArea(f"{word}要 {least} 到 {MOST_POINTS} 个点，这里是 {len(parts)} 个；请增减后再试")
    return tuple(_point(part.split(",")) for part in parts)


def _point(parts: Sequence[str]) -> Pair:
    if len(parts) != 2 or not all(_NUMBER.match(part.strip()) for part in parts):
        raise BadArea(f"坐标 {','.join(parts)!r:.60} 应为经度和纬度，如 115.41234,25.95123")
    lon, lat = float(parts[0]), float(parts[1])
    if not (-180 <= lon <= 180 and -85 <= lat <= 85):
        raise BadArea(f"坐标 {lon:g},{lat:g} 不在地图上；先写经度，再写纬度")
    return lon, lat


def _reach(text: str, word: str, limits: Pair) -> float:
    if not _NUMBER.match(text.strip()):
        raise BadArea(f"{word} {text!r:.30} 应为米数，如 2000")
    reach = float(text)
    if not limits[0] <= reach <= limits[1]:
        raise BadArea(f"{word} {reach:g} 米不在 {limits[0]:g} 至 {limits[1]:g} 米之间；请改小或改大")
    return reach


def point_of(text: str) -> Pair:
    """`LON,LAT` of an address. Raises BadArea."""
    return _point(text.split(","))

