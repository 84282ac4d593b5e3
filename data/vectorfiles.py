"""Vector files of strangers: GeoJSON by orjson and shapely, GeoPackage and Shapefile by GDAL with its doors shut."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from data.errors import WrongInput

MAX_BYTES = 50_000_000
MAX_VERTICES = 2_000_000
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
DRIVERS = ("GPKG", "ESRI Shapefile")
GPKG_IDS = (b"GPKG", b"GP10", b"GP11")
# GDAL must neither follow links to other files nor fetch anything, whatever a file says.
GDAL_DOORS: dict[str, Any] = {
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    "CPL_CURL_VERBOSE": "NO",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "OGR_SQLITE_LOAD_EXTENSIONS": None,
}


@dataclass(frozen=True)
class Feature:
    """One feature: properties as they came, geometry in the file's own coordinates (None when null)."""

    properties: dict[str, Any]
    geometry: BaseGeometry | None


@dataclass(frozen=True)
class Layer:
    """A layer as GDAL reads it: names of its columns, properties and geometry of each feature, coordinate system."""

    names: list[str]
    properties: list[dict[str, Any]]
    shapes: list[Any]
    crs: str


def read_vector(path: Path) -> list[Feature]:
    """Features of a GeoJSON, GeoPackage or Shapefile; the kind is fixed by the extension and checked by the content.

    Raises:
        WrongInput: one sentence saying what is wrong with the file.
    """
    readers = {".geojson": _geojson, ".json": _geojson, ".gpkg": _by_gdal, ".shp": _by_gdal}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise WrongInput(f"{path.name}: 不认识的扩展名，应为 .geojson、.gpkg 或 .shp")
    if not path.is_file():
        raise WrongInput(f"{path.name}: 没有这个文件")
    if path.stat().st_size > MAX_BYTES:
        raise WrongInput(f"{path.name}: 超过 {MAX_BYTES // 1_000_000} MB，请先简化边界")
    features = reader(path)
    vertices = int(shapely.get_num_coordinates([item.geometry for item in features]).sum()) if features else 0
    if vertices > MAX_VERTICES:
        raise WrongInput(f"{path.name}: 顶点 {vertices} 个，上限 {MAX_VERTICES}，请先简化边界")
    return features


def crs_of(path: Path) -> str:
    """What a Shapefile's .prj or a GeoPackage says about its coordinates; empty when it says nothing."""
    if path.suffix.lower() not in (".gpkg", ".shp"):
        return ""
    pyogrio = _gdal()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        copy = _copied(path, Path(folder))
        try:
            return str(pyogrio.read_info(copy).get("crs") or "")
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
            raise WrongInput(f"{path.name}: 无法打开({error})") from error


def _gdal() -> Any:
    """pyogrio with GDAL's doors shut; loaded only when such a file is met."""
    import pyogrio

    pyogrio.set_gdal_config_options(GDAL_DOORS)
    return pyogrio


def _geojson(path: Path) -> list[Feature]:
    try:
        data = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise WrongInput(f"{path.name}: 第 {error.lineno} 行不是合法的 JSON({error.msg})") from error
    rows = data.get("features") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise WrongInput(f"{path.name}: 不是 GeoJSON FeatureCollection(缺少 features 列表)")
    shapes = _shapes(path, [row.get("geometry") for row in rows])
    return [Feature(_properties(row), shape) for row, shape in zip(rows, shapes, strict=True)]


def _properties(row: dict[str, Any]) -> dict[str, Any]:
    found = row.get("properties")
    return found if isinstance(found, dict) else {}


def _shapes(path: Path, geometries: list[Any]) -> list[BaseGeometry | None]:
    texts = [orjson.dumps(item).decode() if item is not None else None for item in geometries]
    with suppress(shapely.errors.GEOSException):
        return list(shapely.from_geojson(np.array(texts, object)))
    # One of them is broken: which one is found by reading them singly.
    for number, text in enumerate(texts, 1):
        try:
            shapely.from_geojson(text)
        except shapely.errors.GEOSException as error:
            raise WrongInput(f"{path.name}: 第 {number} 个要素的 geometry 无法读取({error})") from error
    raise WrongInput(f"{path.name}: geometry 无法读取")


def _by_gdal(path: Path) -> list[Feature]:
    with tempfile.TemporaryDirectory() as folder:
        found = _layer(_copied(path, Path(folder)), "", path.name)
    return [Feature(properties, shape) for properties, shape in zip(found.properties, found.shapes, strict=True)]


def read_geopackage(data: bytes, layer: str) -> Layer:
    """A layer ('' = the first) of a GeoPackage in memory, geometry in its own coordinates.

    Raises:
        WrongInput: one sentence without the file's name.
    """
    if not _is_geopackage(data[:100]):
        raise WrongInput("内容不是 GeoPackage")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.gpkg"
        copy.write_bytes(data)
        return _layer(copy, layer, "GeoPackage")


def _layer(copy: Path, layer: str, name: str) -> Layer:
    pyogrio = _gdal()
    import geopandas

    # GDAL's warnings about a stranger's file tell nothing that the checks below do not.
    with warnings.catch_warnings(action="ignore"):
        try:
            layers = [str(found) for found in pyogrio.list_layers(copy)[:, 0]]
            if layer and layer not in layers:
                raise WrongInput(f"{name}: 没有图层 {layer!r:.40}（有 {'、'.join(layers[:5])}）")
            info = pyogrio.read_info(copy, layer=layer or layers[0])
            if info["driver"] not in DRIVERS:
                raise WrongInput(f"{name}: GDAL 认作 {info['driver']}，不是 GeoPackage 或 Shapefile")
            table = geopandas.read_file(copy, layer=layer or layers[0], engine="pyogrio", force_2d=True,
                                        on_invalid="ignore")
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, IndexError, ValueError) as error:
            raise WrongInput(f"{name}: 无法打开({' '.join(str(error).split())[:80]})") from error
    spatial = isinstance(table, geopandas.GeoDataFrame)
    names = [str(column) for column in table.columns if not spatial or column != table.geometry.name]
    columns = [_plain(table[column]) for column in names]
    rows = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)] if columns else \
        [{} for _ in range(len(table))]
    return Layer(names, rows, list(table.geometry) if spatial else [None] * len(table), str(info.get("crs") or ""))


def _plain(column: Any) -> list[Any]:
    """A column → Python values; not-a-number is None."""
    return [None if isinstance(value, float) and value != value else value for value in column.tolist()]


def _is_geopackage(head: bytes) -> bool:
    return head.startswith(b"SQLite format 3\0") and head[68:72] in GPKG_IDS


def _copied(path: Path, folder: Path) -> Path:
    """A copy under a name of our own, after the content has shown that it is what the extension says."""
    with path.open("rb") as file:
        head = file.read(100)
    if path.suffix.lower() == ".gpkg":
        if not _is_geopackage(head):
            raise WrongInput(f"{path.name}: 内容不是 GeoPackage")
        shutil.copyfile(path, folder / "copy.gpkg")
        return folder / "copy.gpkg"
    if not head.startswith(b"\x00\x00\x27\x0a"):
        raise WrongInput(f"{path.name}: 内容不是 Shapefile")
    for part in SHAPEFILE_PARTS:
        if path.with_suffix(part).is_file():
            shutil.copyfile(path.with_suffix(part), folder / f"copy{part}")
    return folder / "copy.shp"
