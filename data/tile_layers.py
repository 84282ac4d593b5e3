"""Layers of tiles that a pack declares: what is asked of which host, and which of them cannot be drawn right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal
from urllib.parse import urlencode, urlsplit

from pydantic import Field, field_validator, model_validator

from data.strict import Strict

Form = Literal["xyz", "wmts", "wms", "tianditu", "mbtiles", "pmtiles"]
LOCAL = ("mbtiles", "pmtiles")
MERCATOR, SHIFTED = "EPSG:3857", "GCJ-02"
# The notes of a ground of 天地图 stand in a layer of their own.
TIANDITU = {"vec": "cva", "img": "cia", "ter": "cta"}
TIANDITU_HOSTS = tuple(str(number) for number in range(8))
_MERCATORS = {"EPSG:3857", "EPSG:900913", "EPSG:102100", "EPSG:102113"}
_DEGREES = {"EPSG:4490", "EPSG:4326", "OGC:CRS84", "CGCS2000", "WGS84"}
_DEGREE_GRIDS = ("c", "c_w", "epsg:4490", "epsg:4326", "worldcrs84quad", "inspirecrs84quad")
_HOST = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(:\d{1,5})?")
_PLAIN = re.compile(r"[!-~]+")
_KEYS = re.compile(r"[?&](tk|key|ak|token|access_token)=[^&{}]", re.IGNORECASE)
_MARKS = {"z", "x", "y", "-y", "s", "TileMatrix", "TileRow", "TileCol", "TileMatrixSet", "Style", "Layer"}


class TileSource(Strict):
    """The block `tiles:` of a layer of `layers.yaml`.

    url: template (xyz, REST WMTS) or address (KVP WMTS, WMS). file: of a local archive, in the pack. layer: of WMTS and
    WMS; vec, img or ter of 天地图. crs: the grid's system, Web Mercator or the same grid in GCJ-02. tms: rows counted
    from the south. source and licence_no (审图号) stand on the map while the layer is on.
    """

    form: Form
    url: str = ""
    file: str = ""
    layer: str = ""
    style: str = "default"
    matrix_set: str = ""
    format: str = "image/png"
    version: str = ""
    crs: str = MERCATOR
    subdomains: tuple[str, ...] = ()
    tms: bool = False
    min_zoom: int = Field(1, ge=0, le=22)
    max_zoom: int = Field(18, ge=0, le=22)
    source: str = ""
    licence_no: str = ""

    @field_validator("crs")
    @classmethod
    def _drawable(cls, given: str) -> str:
        plain = given.strip().upper().replace(" ", "")
        if plain in _MERCATORS:
            return MERCATOR
        if plain in ("GCJ-02", "GCJ02"):
            return SHIFTED
        if plain in _DEGREES:
            raise ValueError(f"{given} 的瓦片是经纬度网格，贴到本图（Web 墨卡托）会变形；"
                             "请改用同一服务的 EPSG:3857 网格（天地图为 _w）")
        raise ValueError(f"{given!r:.40} 的瓦片不能画准，应为 EPSG:3857，或偏移的 GCJ-02")

    @field_validator("url")
    @classmethod
    def _safe(cls, given: str) -> str:
        if not given:
            return given
        if not _PLAIN.fullmatch(given) or any(sign in given for sign in "\"'<>;,\\`"):
            raise ValueError("地址里有不许出现的字符（空格、引号、分号、逗号等），请写成编码后的样子")
        parts = urlsplit(given.replace("{s}", "s"))
        if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
            raise ValueError(f"地址 {given:.60} 应为 http(s)://主机/…，不带用户名，主机里只可用 {{s}}")
        if _KEYS.search(given):
            raise ValueError("密钥不写进地方包；天地图请用 form: tianditu 与设置 YIPING_TIANDITU_KEY")
        odd = set(re.findall(r"\{([^}]*)\}", given)) - _MARKS
        if odd:
            raise ValueError(f"地址里的 {{{sorted(odd)[0]:.20}}} 不认识；可用 {{z}} {{x}} {{y}} {{-y}} {{s}} "
                             "与 WMTS 的 {TileMatrix} {TileRow} {TileCol}")
        return given

    @field_validator("subdomains")
    @classmethod
    def _named(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if any(not re.fullmatch(r"[A-Za-z0-9-]{1,20}", name) for name in given):
            raise ValueError("子域名只用字母、数字与 -")
        return given

    @model_validator(mode="after")
    def _whole(self) -> TileSource:
        for wrong, words in _faults(self):
            if wrong:
                raise ValueError(words)
        return self

    @property
    def credit(self) -> str:
        """What stands on the map while the layer is on: its source and its 审图号."""
        known = "天地图" if self.form == "tianditu" else ""
        return "·".join(filter(None, (self.source or known, self.licence_no)))

    @property
    def local(self) -> bool:
        """True where the program itself serves the tiles."""
        return self.form in LOCAL


def _faults(tiles: TileSource) -> Iterable[tuple[bool, str]]:
    """What the parts of a block must be together, as (it is wrong, the words for it)."""
    remote = tiles.form in ("xyz", "wmts", "wms")
    yield remote and not tiles.url, f"form: {tiles.form} 需要 url"
    yield not remote and bool(tiles.url), f"form: {tiles.form} 不用 url"
    yield tiles.local != bool(tiles.file), "mbtiles、pmtiles 需要 file（地方包里的文件），别的形式不用它"
    yield tiles.min_zoom > tiles.max_zoom, "min_zoom 不应大于 max_zoom"
    yield ("{s}" in tiles.url) != bool(tiles.subdomains), "url 里的 {s} 与 subdomains 应同时有"
    yield tiles.form == "xyz" and not re.search(r"\{z\}", tiles.url), "xyz 的 url 应含 {z} {x} {y}（或 {-y}）"
    yield tiles.form in ("wmts", "wms") and not tiles.layer, f"form: {tiles.form} 需要 layer"
    yield (tiles.form == "tianditu" and tiles.layer not in TIANDITU), f"天地图的 layer 应为 {'、'.join(TIANDITU)}"
    yield tiles.form == "tianditu" and tiles.crs != MERCATOR, "天地图不是偏移坐标，不写 crs"
    grid = tiles.matrix_set.lower()
    degrees = grid in _DEGREE_GRIDS or grid.endswith((":4490", ":4326")) or re.search(r"_c/wmts", tiles.url)
    yield tiles.form == "wmts" and bool(degrees), (
        f"网格 {tiles.matrix_set or '_c'} 是经纬度的，贴到本图（Web 墨卡托）会变形；"
        "请改用 EPSG:3857 的网格（天地图为 _w）")


def templates(tiles: TileSource, key: str = "") -> list[str]:
    """Addresses of the layer's tiles, lower ones first: {z}, {x}, {y} or {-y}, {s}, and {bbox} in meters (EPSG:3857).

    [] for a local archive, and for 天地图 without a key.
    """
    if tiles.form == "tianditu":
        return [_tianditu(name, key) for name in (tiles.layer, TIANDITU[tiles.layer])] if key else []
    if tiles.form == "wmts":
        return [_wmts(tiles)]
    if tiles.form == "wms":
        return [_wms(tiles)]
    return [tiles.url.replace("{y}", "{-y}") if tiles.tms else tiles.url] if tiles.url else []


def _tianditu(name: str, key: str) -> str:
    fixed = urlencode({"SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": name, "STYLE": "default",
                       "TILEMATRIXSET": "w", "FORMAT": "tiles", "tk": key})
    return f"https://t{{s}}.tianditu.gov.cn/{name}_w/wmts?{fixed}&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}"


def _wmts(tiles: TileSource) -> str:
    """KVP, or REST where the address names the tile itself."""
    grid = tiles.matrix_set or MERCATOR
    if "{TileMatrix}" in tiles.url:
        named = {"{TileMatrix}": "{z}", "{TileRow}": "{y}", "{TileCol}": "{x}", "{TileMatrixSet}": grid,
                 "{Style}": tiles.style, "{Layer}": tiles.layer}
        found = tiles.url
        for mark, value in named.items():
            found = found.replace(mark, value)
        return found
    fixed = urlencode({"SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": tiles.version or "1.0.0",
                       "LAYER": tiles.layer, "STYLE": tiles.style, "TILEMATRIXSET": grid, "FORMAT": tiles.format})
    return f"{_asked(tiles.url)}{fixed}&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}"


def _wms(tiles: TileSource) -> str:
    version = tiles.version or "1.3.0"
    style = "" if tiles.style == "default" else tiles.style
    fixed = urlencode({"SERVICE": "WMS", "REQUEST": "GetMap", "VERSION": version, "LAYERS": tiles.layer,
                       "STYLES": style, "CRS" if version >= "1.3" else "SRS": MERCATOR, "FORMAT": tiles.format,
                       "TRANSPARENT": "TRUE", "WIDTH": 256, "HEIGHT": 256})
    return f"{_asked(tiles.url)}{fixed}&BBOX={{bbox}}"


def _asked(url: str) -> str:
    return url if url.endswith(("?", "&")) else url + ("&" if "?" in url else "?")


def hosts(layers: Mapping[str, TileSource], key: str = "") -> tuple[str, ...]:
    """Origins (scheme://host:port) whose pictures the page may load: exactly those that the pack names."""
    found: set[str] = set()
    for tiles in layers.values():
        names = TIANDITU_HOSTS if tiles.form == "tianditu" else tiles.subdomains or ("",)
        for template in templates(tiles, key):
            for name in names:
                parts = urlsplit(template.replace("{s}", name))
                found.add(f"{parts.scheme}://{parts.netloc}")
    return tuple(sorted(found))
