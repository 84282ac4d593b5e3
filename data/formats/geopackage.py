"""GeoPackage: features of one layer, by GDAL with its doors shut, in lon, lat of EPSG:4490."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import shapely

from data.errors import WrongInput
from data.formats.parts import Layout, Member, RawRows, refuse
from data.vectorfiles import Layer, read_geopackage
from geo.crs import PLAIN, UnknownCrs, to_place

CHUNK_ROWS = 5000
MAX_VERTICES = 200_000


def rows(member: Member, layout: Layout) -> Iterator[RawRows]:
    """Features as {properties…, lon, lat, geometry, properties}; lon/lat of points only.

    Raises:
        WrongInput: no GeoPackage, damaged, no such layer, a needed column missing, or an unknown coordinate system.
    """
    try:
        found = read_geopackage(member.data, layout.table.layer)
    except WrongInput as error:
        raise refuse(member.name, str(error).rstrip("。"), "请重新导出") from error
    missing = [name for name in layout.columns
               if name not in (*found.names, "lon", "lat", "geometry", "properties")]
    if missing:
        raise refuse(member.name, f"缺少列 {'、'.join(missing[:5])}", "请核对 feeds.yaml 的 map")
    shapes = _placed(member, found)
    for start in range(0, max(len(found.properties), 1), CHUNK_ROWS):
        chunk = RawRows([], done=len(member.data) if start + CHUNK_ROWS >= len(found.properties) else 0)
        for properties, shape in zip(found.properties[start:start + CHUNK_ROWS], shapes[start:start + CHUNK_ROWS],
                                     strict=True):
            _take(chunk, properties, shape)
        yield chunk


def _placed(member: Member, found: Layer) -> list[Any]:
    if found.crs in PLAIN:
        return found.shapes
    if not found.crs:
        raise refuse(member.name, "没有写明坐标系", "请在导出时带上坐标系（如 EPSG:4490）")
    try:
        def place(pairs: Any) -> Any:
            return np.column_stack(to_place(pairs[:, 0], pairs[:, 1], found.crs))

        return list(shapely.transform(np.array(found.shapes, object), place))
    except UnknownCrs as error:
        raise refuse(member.name, str(error), "请在导出时改用 EPSG:4490") from error


def _take(chunk: RawRows, properties: dict[str, Any], shape: Any) -> None:
    chunk.read += 1
    row = dict(properties)
    if shape is not None and shapely.get_num_coordinates(shape) > MAX_VERTICES:
        chunk.bad.append((str(properties)[:500], f"一个要素的顶点超过 {MAX_VERTICES} 个；请先简化图形"))
        return
    if shape is not None and shape.geom_type == "Point" and not shape.is_empty:
        row["lon"], row["lat"] = shape.x, shape.y
    row["geometry"] = None if shape is None else orjson.loads(shapely.to_geojson(shape))
    row["properties"] = properties
    chunk.rows.append(row)
