"""CAP 1.2 warnings (OASIS, XML): one alert becomes one warning; no DTD, no entity, nothing is fetched.

An alert may say the same in several languages, or differ by area: of its info blocks those in Chinese are taken (all,
if none is); the most severe one gives kind, level and words, all give their areas. The signature is not verified.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pyproj import Geod

from data.formats.parts import Layout, Member, RawRows, refuse

MAX_BYTES = 2_000_000
CORNERS, MOST_RADIUS_M = 72, 1_000_000
_EARTH = Geod(ellps="WGS84")
NAMESPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"
LEVELS = {"red": "red", "orange": "orange", "yellow": "yellow", "blue": "blue", "红色": "red", "橙色": "orange",
          "黄色": "yellow", "蓝色": "blue", "extreme": "red", "severe": "orange", "moderate": "yellow", "minor": "blue"}
# Words for other numbering than divisions of six digits.
_FOREIGN = {"SAME", "FIPS6", "FIPS", "UGC", "CLC", "EMMA_ID", "NUTS2", "NUTS3"}
_ORDER = ("red", "orange", "yellow", "blue", "")
_DIGITS = (6, 9, 12)


def rows(member: Member, layout: Layout) -> Iterator[RawRows]:
    """The alert as canonical fields; with a mapping, its own elements too, under their CAP names.

    Raises:
        WrongInput: no XML, one with a DTD or entities, too large, or no CAP 1.2.
    """
    alert = _alert(member)
    chunk = RawRows([], read=1, done=len(member.data), encoding="xml")
    try:
        row = _warning(alert)
        chunk.rows.append({**_elements(alert), **row} if layout.columns else row)
    except ValueError as error:
        chunk.bad.append((member.data.decode("utf-8", "replace"), str(error)))
    yield chunk


def _alert(member: Member) -> Element:
    if len(member.data) > MAX_BYTES:
        raise refuse(member.name, f"CAP 预警超过 {MAX_BYTES // 1_000_000} MB", "请向来源单位核实")
    if not member.data.strip():
        raise refuse(member.name, "是空文件", "请重新导出后再导入")
    try:
        root: Element = fromstring(member.data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise refuse(member.name, "XML 里有 DTD 或实体，可能是攻击", "请向来源单位核实，CAP 预警不需要它们") from error
    except (ParseError, ValueError, LookupError) as error:
        raise refuse(member.name, f"不是完整的 XML（{str(error)[:60]}）", "请重新下载") from error
    if root.tag != f"{NAMESPACE}alert":
        raise refuse(member.name, f"不是 CAP 1.2 预警（根元素是 {root.tag[:80]}）", "请让来源发送 CAP 1.2")
    return root


def _text(element: Element, name: str) -> str:
    found = element.find(NAMESPACE + name)
    return "" if found is None or found.text is None else found.text.strip()


def _elements(element: Element) -> dict[str, str]:
    """The simple elements of the alert and of its first info, by name."""
    info = element.find(f"{NAMESPACE}info")
    parts = [*element, *(info if info is not None else ())]
    return {part.tag.removeprefix(NAMESPACE): (part.text or "").strip() for part in reversed(parts) if not len(part)}


def _warning(alert: Element) -> dict[str, Any]:
    status, message = _text(alert, "status"), _text(alert, "msgType")
    if status != "Actual":
        raise ValueError(f"status 是 {status or '空'!r:.20}，只有 Actual 是真实的预警，演练与测试不入库")
    if message not in ("Alert", "Update", "Cancel"):
        raise ValueError(f"msgType 是 {message or '空'!r:.20}，应为 Alert、Update 或 Cancel")
    told = _references(_text(alert, "references"))
    if message == "Cancel" and not told:
        raise ValueError("解除（Cancel）没有写明解除哪一条（references）")
    sent = _text(alert, "sent")
    common = {"id": _text(alert, "identifier"), "sent": sent, "references": told,
              "status": {"Alert": "active", "Update": "updated", "Cancel": "cancelled"}[message]}
    infos = _infos(alert)
    if not infos:
        return common | _bare(message, sent, alert)
    return common | _said(infos, sent if message == "Cancel" else "")


def _bare(message: str, sent: str, alert: Element) -> dict[str, Any]:
    """A cancellation that says nothing else: never in force itself, it only ends what it refers to."""
    if message != "Cancel":
        raise ValueError("预警没有内容（info）")
    return {"kind": "解除", "level": "blue", "expires": sent, "headline": _text(alert, "note") or "解除预警",
            "divisions": [], "polygon": {"type": "MultiPolygon", "coordinates": []}}


def _references(text: str) -> list[str]:
    """Identifiers of "sender,identifier,sent …"."""
    parts = [reference.split(",") for reference in text.split()]
    if any(len(part) != 3 for part in parts):
        raise ValueError(f"references 的每一条应有发布者、编号、时间三部分，得到 {text!r:.60}")
    return [part[1] for part in parts]


def _infos(alert: Element) -> list[Element]:
    """The info blocks to be read, the most severe first."""
    found = alert.findall(f"{NAMESPACE}info")
    chinese = [info for info in found if _text(info, "language").lower().startswith("zh")]
    return sorted(chinese or found, key=lambda info: _ORDER.index(_level(info)))


def _level(info: Element) -> str:
    """Color of an info: the national word in severity or a parameter of that meaning, else by severity; '' if none."""
    given = {_text(one, "valueName").lower(): _text(one, "value").lower()
             for one in info.findall(f"{NAMESPACE}parameter")}
    words = [given.get("color", ""), given.get("预警级别", ""), _text(info, "severity").lower()]
    return next((LEVELS[word] for word in words if word in LEVELS), "")


def _said(infos: list[Element], expires: str) -> dict[str, Any]:
    info = infos[0]
    level = _level(info)
    if not level:
        raise ValueError(f"severity 是 {_text(info, 'severity') or '空'!r:.20}，定不出预警颜色")
    codes = [_text(code, "value") for code in info.findall(f"{NAMESPACE}eventCode")]
    words = [_text(info, "description"), _text(info, "instruction")]
    areas = [area for one in infos for area in one.findall(f"{NAMESPACE}area")]
    polygons = [_ring(found.text or "") for area in areas for found in area.findall(f"{NAMESPACE}polygon")]
    polygons += [_circle(found.text or "") for area in areas for found in area.findall(f"{NAMESPACE}circle")]
    return {"kind": (codes or [_text(info, "event")])[0], "level": level, "expires": _text(info, "expires") or expires,
            "headline": _text(info, "headline") or _text(info, "event"), "detail": "\n".join(filter(None, words)),
            "divisions": list(dict.fromkeys(code for area in areas for code in _divisions(area))) or None,
            "polygon": {"type": "MultiPolygon", "coordinates": [[ring] for ring in polygons]} if polygons else None}


def _divisions(area: Element) -> list[str]:
    """Codes of divisions with 12 digits."""
    codes = [(_text(code, "valueName"), _text(code, "value")) for code in area.findall(f"{NAMESPACE}geocode")]
    return [value.ljust(12, "0") for name, value in codes
            if name.upper() not in _FOREIGN and value.isascii() and value.isdigit() and len(value) in _DIGITS]


def _ring(text: str) -> list[list[float]]:
    """A closed ring in lon, lat of a polygon written as "lat,lon lat,lon …"."""
    try:
        pairs = [[float(number) for number in pair.split(",")] for pair in text.split()]
    except ValueError:
        raise ValueError(f"polygon 里有不是数的坐标：{text!r:.60}") from None
    if len(pairs) < 4 or any(len(pair) != 2 for pair in pairs) or pairs[0] != pairs[-1]:
        raise ValueError("polygon 应为至少四对纬度与经度，且首尾相同")
    if any(not (-90 <= lat <= 90 and -180 <= lon <= 180) for lat, lon in pairs):
        raise ValueError("polygon 的坐标超出经纬度的范围，可能写反了；CAP 应为纬度在前、经度在后")
    return [[lon, lat] for lat, lon in pairs]


def _circle(text: str) -> list[list[float]]:
    """A closed ring in lon, lat around a circle written as "lat,lon radius" (km): on the ellipsoid, and nowhere inside
    the circle, for a warning must reach everybody in it. A radius of 0 is a point, of which a metre is taken.
    """
    try:
        place, radius_km = text.split()
        lat, lon = (float(number) for number in place.split(","))
        radius_m = max(float(radius_km) * 1000, 1.0)
    except ValueError:
        raise ValueError(f"circle 应为纬度、逗号、经度、空格、半径（公里），得到 {text!r:.60}") from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180 and radius_m <= MOST_RADIUS_M):
        raise ValueError(f"circle {text!r:.60} 超出经纬度的范围，或半径大于 {MOST_RADIUS_M // 1000} 公里")
    reach = radius_m / math.cos(math.pi / CORNERS)
    bearings = [360.0 * corner / CORNERS for corner in range(CORNERS)]
    lons, lats, _ = _EARTH.fwd([lon] * CORNERS, [lat] * CORNERS, bearings, [reach] * CORNERS)
    ring = [[east, north] for east, north in zip(lons, lats, strict=True)]
    return [*ring, ring[0]]
