"""Coordinates as people write them → lon, lat of the place: decimal or degrees, in either order, of a named system."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from geo.crs import to_place

Box = tuple[float, float, float, float]
SYSTEMS = {"gcj": "GCJ-02", "gcj02": "GCJ-02", "gcj-02": "GCJ-02", "火星": "GCJ-02", "高德": "GCJ-02", "bd": "BD-09",
           "bd09": "BD-09", "bd-09": "BD-09", "百度": "BD-09", "wgs": "EPSG:4326", "wgs84": "EPSG:4326",
           "cgcs2000": "EPSG:4490"}
_HEAD = re.compile(r"^\s*([a-z0-9\-]+|火星|高德|百度)\s*[:：]\s*", re.IGNORECASE)
_NUMBER = r"(\d{1,3}(?:\.\d+)?)"
_SIDE = r"([EWNSewns东西南北]?)"
_MINUTES = rf"(?:{_NUMBER}\s*[′'’分]\s*)?(?:{_NUMBER}\s*(?:[″\"”秒]|''|′′)\s*)?"
_ANGLE = rf"{_SIDE}\s*([+-]?){_NUMBER}\s*(?:[°度º]\s*{_MINUTES})?\s*{_SIDE}"
_PAIR = re.compile(rf"^\s*{_ANGLE}\s*[,，;；、\s]\s*{_ANGLE}\s*$")
_WORDS = (("东经", "E"), ("西经", "W"), ("北纬", "N"), ("南纬", "S"))
_EAST, _NORTH = "EW东西", "NS北南"


@dataclass(frozen=True)
class Written:
    """A point in degrees of EPSG:4490; `system` is the one it was written in."""

    lon: float
    lat: float
    system: str


def read_point(text: str, box: Box) -> Written | None:
    """The point that a text names, None where it names none.

    Understood: `115.41,25.95`; `25.95 115.41` when only that order lies in the box; `115°24′36″E 25°57′N`; 东经…北纬…;
    `gcj:` or `bd:` in front for coordinates of Chinese web maps. Without letters the first number is the longitude,
    unless only the other order is inside.

    Args:
        text: what was typed.
        box: west, south, east, north of the place, degrees.
    """
    plain, system = unicodedata.normalize("NFKC", text).strip(), "EPSG:4490"
    if head := _HEAD.match(plain):
        if head[1].lower() not in SYSTEMS:
            return None
        system, plain = SYSTEMS[head[1].lower()], plain[head.end():]
    for word, letter in _WORDS:
        plain = plain.replace(word, f" {letter}")
    found = _PAIR.match(plain)
    if found is None:
        return None
    parts = found.groups()
    first, second = _angle(parts[:6]), _angle(parts[6:])
    if first is None or second is None:
        return None
    ordered = _ordered(first, second, box)
    if ordered is None:
        return None
    lon, lat = (float(value) for value in to_place(*ordered, system))
    return Written(round(lon, 7), round(lat, 7), system) if abs(lon) <= 180 and abs(lat) <= 90 else None


def _angle(parts: tuple[str | None, ...]) -> tuple[float, str] | None:
    """(degrees, letter of the side) of one half: letter, sign, degrees, minutes, seconds, letter."""
    before, sign, degrees, minutes, seconds, after = parts
    if (before and after) or float(minutes or 0) >= 60 or float(seconds or 0) >= 60:
        return None
    side = (before or after or "").upper()
    value = float(degrees or 0) + float(minutes or 0) / 60 + float(seconds or 0) / 3600
    return (-value if sign == "-" or side in ("W", "S", "西", "南") else value), side


def _ordered(first: tuple[float, str], second: tuple[float, str], box: Box) -> tuple[float, float] | None:
    """Longitude first: by the letters, else by what lies inside the box."""
    (one, a), (two, b) = first, second
    if (a and b) and (a in _EAST) == (b in _EAST):
        return None
    if a or b:
        return (one, two) if (a in _EAST if a else b in _NORTH) else (two, one)
    if not _inside(one, two, box) and _inside(two, one, box):
        return two, one
    return (one, two) if abs(two) <= 90 else (two, one)


def _inside(lon: float, lat: float, box: Box) -> bool:
    # A shifted system lies up to a kilometer beside.
    return box[0] - 0.02 <= lon <= box[2] + 0.02 and box[1] - 0.02 <= lat <= box[3] + 0.02
