"""Divides one shape among its children: around their seats, areas matched where wanted."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import Point
from shapely.geometry.base import BaseGeometry

from geo.coverage import exact, one_piece
from geo.plane import Plane
from geo.power import Bend, Sites, bent, samples_in, spread

FloatArray = npt.NDArray[np.float64]
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
ROUNDS = 200
SPACING = 1.7


@dataclass(frozen=True)
class Seat:
    """What is known of a division that has no border yet.

    Attributes:
        point: (lon, lat) that must lie inside; None = unknown.
        area_km2: its area where known. share: else its size relative to siblings that have one; None = any size.
        near: (lon, lat) it lies close to, where only that is known; with an area it is cut out of its neighbour.
        also: further (lon, lat) that should lie inside.
    """

    code: str
    name: str
    parent: str
    point: tuple[float, float] | None = None
    area_km2: float | None = None
    share: float | None = None
    near: tuple[float, float] | None = None
    also: tuple[tuple[float, float], ...] = ()

    @property
    def places(self) -> tuple[tuple[float, float], ...]:
        """All points that should lie inside."""
        return (self.point, *self.also) if self.point is not None else self.also

    @property
    def enclave(self) -> bool:
        """Cut out of a neighbor: its area and its whereabouts are known, not its place."""
        return self.point is None and self.near is not None and self.area_km2 is not None


def seed_of(code: str) -> int:
    """A stable number for a code."""
    return zlib.crc32(code.encode())


def divide(shape: BaseGeometry, seats: Sequence[Seat], grid_deg: float) -> list[BaseGeometry]:
    """Cells of the seats inside a lon/lat shape: bent borders, one piece each, no gap, no overlap; deterministic."""
    if len(seats) == 1:
        return [shape]
    plane = Plane.around(shape)
    ground = plane.shape_to_km(shape)
    around = [seat for seat in seats if not seat.enclave]
    cells, middles = _cells(ground, around, plane)
    taken = [plane.to_km([place])[0] for seat in around for place in seat.places]
    for seat in [seat for seat in seats if seat.enclave]:
        cut, middle = _enclave(ground, seat, plane, taken)
        cells = [*(shapely.difference(cell, cut) for cell in cells), cut]
        middles.append(middle)
        around.append(seat)
    pieces = [plane.shape_to_degrees(shapely.intersection(cell, ground)) for cell in cells]
    keep = [Point(seat.point or plane.to_degrees([middle])[0]) for seat, middle in zip(around, middles, strict=True)]
    found = dict(zip((seat.code for seat in around), one_piece(exact(pieces, grid_deg, shape), keep), strict=True))
    return [found[seat.code] for seat in seats]


def _cells(ground: BaseGeometry, seats: Sequence[Seat], plane: Plane) -> tuple[list[BaseGeometry], list[FloatArray]]:
    """Bent cells (km, not yet cut to the ground) and the first site of each."""
    size = float(np.sqrt(shapely.area(ground) / len(seats)))
    bend = Bend(size, seed_of(seats[0].parent))
    samples = bend.straighten(samples_in(ground, max(4000, 250 * len(seats))))
    sites = _sites(ground, seats, plane, bend, samples)
    sites.relax(samples, float(shapely.area(ground)) / len(samples), ROUNDS)
    low, high = samples.min(axis=0) - 2 * size, samples.max(axis=0) + 2 * size
    cells = np.array([bent(cell, bend) for cell in sites.cells(shapely.box(*low, *high))], object)
    numbers = range(len(seats))
    middles = [bend.bend(sites.points[sites.child == number][:1])[0] for number in numbers]
    return [shapely.union_all(cells[sites.child == number]) for number in numbers], middles


def _enclave(ground: BaseGeometry, seat: Seat, plane: Plane,
             taken: list[FloatArray]) -> tuple[BaseGeometry, FloatArray]:
    """A round, bent cell of the seat's area beside the place it is near to, and its middle (km)."""
    radius = float(np.sqrt((seat.area_km2 or 0.0) / np.pi))
    bend = Bend(2 * radius, seed_of(seat.code))
    middle = _beside(plane.to_km([seat.near])[0], radius * SPACING, taken, ground)
    rough = shapely.transform(shapely.buffer(Point(middle), radius, quad_segs=8), bend.bend)
    middle = shapely.get_coordinates(shapely.centroid(rough))[0]
    factor = np.sqrt(np.pi * radius**2 / shapely.area(rough))
    return shapely.transform(rough, lambda points: middle + factor * (points - middle)), middle


def even_cells(shape: BaseGeometry, count: int, seed: int, grid_deg: float) -> list[BaseGeometry]:
    """`count` straight-sided cells of about equal area inside a lon/lat shape, north to south, then west to east."""
    if count == 1:
        return [shape]
    plane = Plane.around(shape)
    ground = plane.shape_to_km(shape)
    samples = samples_in(ground, 80 * count)
    area = float(shapely.area(ground))
    points = spread(samples, np.empty((0, 2)), count, seed)
    sites = Sites(points, np.arange(count), np.zeros(count, bool), np.full(count, area / count), np.zeros(count))
    sites.relax(samples, area / len(samples), 40)
    low, high = samples.min(axis=0), samples.max(axis=0)
    edge = np.sqrt(area)
    pieces = [shapely.intersection(cell, ground) for cell in sites.cells(shapely.box(*(low - edge), *(high + edge)))]
    found = one_piece(exact([plane.shape_to_degrees(piece) for piece in pieces], grid_deg, shape), [None] * count)
    filled = [cell for cell in found if not shapely.is_empty(cell)]
    middles = shapely.get_coordinates(shapely.centroid(np.array(filled, object))).round(4)
    return [filled[i] for i in np.lexsort((middles[:, 0], -middles[:, 1]))]


def apportion(areas_km2: FloatArray, total: int) -> npt.NDArray[np.int64]:
    """How many of `total` cells each area gets: by size, at least one each."""
    quota = areas_km2 / areas_km2.sum() * total
    number: npt.NDArray[np.int64] = np.maximum(1, np.floor(quota)).astype(np.int64)
    while number.sum() < total:
        number[int(np.argmax(quota - number))] += 1
    while number.sum() > max(total, len(number)):
        number[int(np.argmax(np.where(number > 1, number - quota, -np.inf)))] -= 1
    return number


def _sites(ground: BaseGeometry, seats: Sequence[Seat], plane: Plane, bend: Bend, samples: FloatArray) -> Sites:
    targets = _targets(seats, float(shapely.area(ground)))
    points: list[FloatArray] = []
    child: list[int] = []
    for index, seat in enumerate(seats):
        places = plane.to_km(np.array(seat.places).reshape(-1, 2))
        inside = bend.straighten(places[shapely.intersects_xy(ground, places[:, 0], places[:, 1])])
        points += list(inside)
        child += [index] * len(inside)
    for index, seat in enumerate(seats):
        if index not in child and seat.near is not None:
            centre = bend.straighten(plane.to_km([seat.near]))[0]
            reach = float(np.sqrt(targets[index] / np.pi)) if np.isfinite(targets[index]) else bend.size_km / 4
            points.append(_beside(centre, reach * SPACING, points, shapely.transform(ground, bend.straighten)))
            child.append(index)
    free = [index for index in range(len(seats)) if index not in child]
    started = spread(samples, np.array(points).reshape(-1, 2), len(free), seed_of(seats[0].code))
    fixed = np.arange(len(points) + len(free)) < len(points)
    owner = np.array(child + free, np.intp)
    return Sites(np.array([*points, *started]), owner, fixed, targets, np.zeros(len(seats)))


def _targets(seats: Sequence[Seat], area_km2: float) -> FloatArray:
    known = np.array([seat.area_km2 if seat.area_km2 is not None else np.nan for seat in seats])
    shares = np.array([seat.share if seat.share is not None else np.nan for seat in seats])
    open_shares = np.where(np.isnan(known), shares, np.nan)
    left = max(area_km2 - float(np.nansum(known)), 0.0)
    spreadable = left / np.nansum(open_shares) if np.nansum(open_shares) else 0.0
    return np.where(np.isnan(known), open_shares * spreadable, known)


def _beside(centre: FloatArray, spacing: float, taken: list[FloatArray], ground: BaseGeometry) -> FloatArray:
    """The first place of a sunflower spiral around the centre that is on the ground and not close to a place taken."""
    for turn in range(1, 4000):
        radius, angle = spacing * np.sqrt(turn) * 0.5, turn * GOLDEN_ANGLE
        place: FloatArray = centre + radius * np.array([np.cos(angle), np.sin(angle)])
        clear = all(((place - other) ** 2).sum() > (0.8 * spacing) ** 2 for other in taken)
        if clear and shapely.intersects_xy(ground, *place):
            return place
    return centre
