"""The pack's files under the map, neighbours and rivers: read with limits, every fault told with its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import shapely

from data.errors import NotFound, Unavailable, WrongInput
from data.vectorfiles import Feature, read_vector
from geo.topology import fault

GROUND = ("neighbours", "rivers")
MAX_BYTES = 20_000_000
WORLD = (-180.0, -90.0, 180.0, 90.0)
_AREAS, _LINES = (3, 6), (1, 5)
_KINDS = {"neighbours": (_AREAS, "面"), "rivers": (_LINES, "线")}


def file_of(root: Path, name: str) -> Path:
    """The file of a ground layer of a pack."""
    return root / f"{name}.geojson"


def versions(root: Path) -> dict[str, str]:
    """Ground layer → version of its file, of those that a pack has now."""
    found = {}
    for name in GROUND:
        path = file_of(root, name)
        if path.is_file():
            told = path.stat()
            found[name] = f"{told.st_mtime_ns:x}-{told.st_size:x}"
    return found


def ground_json(root: Path, name: str) -> bytes:
    """The layer as GeoJSON bytes, checked as far as a picture needs it.

    Raises:
        NotFound: the pack has no such file, or it has gone. Unavailable: it cannot be read or understood now.
    """
    path = file_of(root, name)
    try:
        features = _read(path)
        data = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except FileNotFoundError:
        raise NotFound(f"地方包里的 {path.name} 不见了；请放回原处") from None
    except (WrongInput, OSError, ValueError) as error:
        raise Unavailable(f"{error}；用 ./yiping check 查看地方包") from error
    return orjson.dumps(data | {"features": [row for row, feature in zip(data["features"], features, strict=True)
                                             if feature.geometry is not None]})


def _read(path: Path) -> list[Feature]:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise WrongInput(f"{path.name} 有 {size // 1_000_000} MB，超过 {MAX_BYTES // 1_000_000} MB，请先简化")
    return read_vector(path)


def check_ground(root: Path, shown: str) -> list[str]:
    """Everything wrong with the ground files, as `file:line: what is wrong, what is expected`. `shown`: the folder."""
    problems: list[str] = []
    for name in versions(root):
        path = file_of(root, name)
        try:
            features = _read(path)
        except (WrongInput, OSError) as error:
            problems.append(f"{shown}/{path.name}:1: {error}")
            continue
        problems += [f"{shown}/{path.name}:1: 第 {number} 个要素{text}" for number, text in faults(name, features)]
    return problems


def faults(name: str, features: Sequence[Feature]) -> list[tuple[int, str]]:
    """(number of the feature from 1, what is wrong with it and where)."""
    types, word = _KINDS[name]
    found: list[tuple[int, str]] = []
    for number, feature in enumerate(features, 1):
        shape, called = feature.geometry, str(feature.properties.get("name") or "")
        told = f"（{called:.20}）：" if called.isprintable() and called else "："
        if shape is None or shapely.get_type_id(shape) not in types:
            found.append((number, f"{told}应为{word}"))
            continue
        reason = outside(shapely.get_coordinates(shape)) or (fault(shape) if types is _AREAS else "")
        if reason:
            found.append((number, told + reason))
        if len(called) > 60 or not called.isprintable():
            found.append((number, f"：名称 {called!r:.40} 含有控制字符或换行，或长于 60 字"))
    return found


def outside(points: np.ndarray) -> str:
    """What is wrong with coordinates as longitudes and latitudes, '' when nothing is."""
    if not np.isfinite(points).all():
        return "坐标里有不是数的值"
    over = (points < WORLD[:2]) | (points > WORLD[2:])
    if not over.any():
        return ""
    lon, lat = points[int(np.flatnonzero(over.any(axis=1))[0])]
    swapped = abs(lon) <= 90 < abs(lat) <= 180
    why = "经度、纬度写反了" if swapped else "不是经纬度，平面坐标请先转成 CGCS2000 经纬度"
    return f"坐标 {lon:g}, {lat:g} 不在地球上：{why}"
