"""Exact coverages: shapes become unions of shared faces, so that neighbours meet vertex by vertex."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

Shapes = npt.NDArray[np.object_]
Owner = npt.NDArray[np.int64]


def exact(shapes: Sequence[BaseGeometry], grid_deg: float, within: BaseGeometry) -> list[BaseGeometry]:
    """The same shapes on a snapped grid, filling `within`, every shared border shared vertex by vertex.

    All borders are noded together (snap rounding) and the faces between them found. A face goes to the first shape that
    holds its inner point; a face of `within` that lies in none goes to the neighbour with the longest common border.

    Args:
        shapes: (Multi)Polygons; where they overlap, the first wins.
        grid_deg: size of the grid in the units of the shapes.
        within: what they should fill; what sticks out is cut off.

    Returns:
        One shape each, empty where nothing is left of it.
    """
    borders = shapely.boundary(np.array([*shapes, within], object))
    lines = shapely.union_all(borders, grid_size=grid_deg)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inner = shapely.point_on_surface(faces)
    shapely.prepare(within)
    inside = shapely.intersects(within, inner)
    faces, inner = faces[inside], inner[inside]
    owner = _owners(inner, shapes)
    _adopt(faces, owner)
    return [shapely.union_all(faces[owner == index]) for index in range(len(shapes))]


def _owners(inner: Shapes, shapes: Sequence[BaseGeometry]) -> Owner:
    owner = np.full(len(inner), len(shapes), np.int64)
    face, shape = shapely.STRtree(list(shapes)).query(inner, predicate="intersects")
    np.minimum.at(owner, face, shape)
    owner[owner == len(shapes)] = -1
    return owner


def _adopt(faces: Shapes, owner: Owner) -> None:
    """Faces of no one go to the neighbour with the longest common border, until none has an owner for a neighbor."""
    tree = shapely.STRtree(faces)
    lost = list(np.flatnonzero(owner < 0))
    while lost:
        chosen: dict[Any, Any] = {}
        for index in lost:
            near = tree.query(faces[index], predicate="intersects")
            near = near[owner[near] >= 0]
            if len(near):
                shared = shapely.length(shapely.intersection(faces[index], faces[near]))
                chosen[index] = owner[near[int(np.argmax(shared))]]
        if not chosen:
            return
        for index, new in chosen.items():
            owner[index] = new
        lost = [index for index in lost if index not in chosen]


def one_piece(shapes: Sequence[BaseGeometry], keep: Sequence[BaseGeometry | None]) -> list[BaseGeometry]:
    """Gives the smaller parts of broken shapes of an exact coverage to the neighbour with the longest common border.

    Args:
        shapes: the coverage.
        keep: for each shape a point whose part is the one to keep; None = the largest.
    """
    mains: list[BaseGeometry] = []
    loose: list[BaseGeometry] = []
    for shape, point in zip(shapes, keep, strict=True):
        parts = sorted(shapely.get_parts(shape), key=lambda part: -float(shapely.area(part)))
        held = [part for part in parts if point is not None and shapely.intersects(part, point)]
        main = (held or parts or [MultiPolygon()])[0]
        mains.append(main)
        loose += [part for part in parts if part is not main]
    while loose:
        left = [part for part in loose if not _give(part, mains)]
        if len(left) == len(loose):
            break
        loose = left
    return mains


def _give(part: BaseGeometry, mains: list[BaseGeometry]) -> bool:
    shared = shapely.length(shapely.intersection(part, np.array(mains, object)))
    best = int(np.argmax(shared))
    if shared[best] <= 0:
        return False
    mains[best] = shapely.union_all([mains[best], part])
    return True
