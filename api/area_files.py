"""What is in a drawn area as files: tables for spreadsheets, features for a geographic program."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from access.principal import Principal
from api.spreadsheet import Sheet, stamp
from api.told import local
from api.web import Web
from data.answers import Answer, Window
from data.area_lists import EVENTS, EVENTS_WORD, ROLES
from data.clock import from_us

_PLACE = {"division": "区划", "division_code": "区划编码", "lon": "经度", "lat": "纬度", "feed": "数据源", "id": "编号"}
ASSET = {"kind": "类别", "name": "名称", "text": "状况", "distance_m": "距离（米）", **_PLACE}
EVENT = {"kind": "类别", "name": "标题", "state_word": "状态", "text": "环节", "department": "部门", "due": "时限",
         "overdue_h": "超期（小时）", "distance_m": "距离（米）", **_PLACE}
NEAR = {"kind": "类别", "name": "名称", "minutes": "预计（分钟）", "way_word": "算法", "straight_m": "直线（米）",
        "road_m": "道路（米）", "off_m": "离道路（米）", "why": "说明", "text": "状况", **_PLACE}
ALL = {"list_word": "清单", "kind": "类别", "name": "名称", "state_word": "状态", "text": "状况",
       "distance_m": "距离（米）", "due": "时限", "minutes": "预计（分钟）", **_PLACE}
WORDS = {**ROLES, EVENTS: EVENTS_WORD, "nearest": "就近资源"}
STATES = {"ok": "正常", "att": "关注", "warn": "预警", "alarm": "告警"}
PARTS = {"whole": "全部在内", "partly": "代表点在内", "outside": "只触及边缘，未计"}


def sheets(web: Web, inside: Answer, near: Answer) -> list[Sheet]:
    """A sheet for each list, one for the people, one for the nearest resources."""
    rows = told(web, inside, near)
    found = [_sheet(word, ASSET, [row for row in rows if row["list"] == key]) for key, word in ROLES.items()]
    found.append(_sheet(EVENTS_WORD, EVENT, [row for row in rows if row["list"] == EVENTS]))
    found.append(_sheet("就近资源", NEAR, [row for row in rows if row["list"] == "nearest"]))
    people = inside.parts["people"] or {"rows": []}
    found.append(Sheet("人口", ("区划", "区划编码", "人口", "与区域的关系"),
                       [(row["name"], row["code"], row["value"], PARTS[row["part"]]) for row in people["rows"]]))
    return found


def one_table(web: Web, inside: Answer, near: Answer) -> Sheet:
    """All lists under each other, for a format that knows one table."""
    return _sheet("区域内", ALL, told(web, inside, near))


def told(web: Web, inside: Answer, near: Answer) -> list[dict[str, Any]]:
    """The rows of both answers with what is said of them in words."""
    zone = ZoneInfo(web.pack.place.timezone)
    return [{**row, "list_word": WORDS[row["list"]], "state_word": STATES.get(row["state"], ""),
             "due": local(from_us(row["due_us"]), zone) if row.get("due_us") else None,
             "overdue_h": round(row["overdue_s"] / 3600, 1) if row.get("overdue_s") else None,
             "way_word": {"road": "道路", "straight": "直线估算"}.get(row.get("way", ""))}
            for row in (*inside.rows, *near.rows)]


def _sheet(name: str, columns: dict[str, str], rows: list[dict[str, Any]]) -> Sheet:
    return Sheet(name, tuple(columns.values()), [tuple(row.get(key) for key in columns) for row in rows])


def about(web: Web, answers: tuple[Answer, Answer], principal: Principal, window: Window) -> dict[str, Any]:
    """What the file is: which area, of when, how people are counted and times estimated, who took it."""
    inside, near = answers
    zone, area = ZoneInfo(web.pack.place.timezone), inside.parts["area"]
    found = {"地方": web.pack.place.name, "区域": area["words"], "区域写法": area["text"],
             "面积（平方公里）": area["km2"], "周长（米）": area["perimeter_m"],
             "范围": web.pack.divisions.get(inside.at_division).name,
             "数据时刻": local(window.at or window.end, zone), "人口": people_words(inside.parts["people"])}
    for summary in inside.parts["lists"]:
        found[summary["word"]] = _counted(summary)
    found["时间估算"] = travel_words(near)
    found["备注"] = "；".join(filter(None, [*area["notes"], web.pack.place.boundary_note]))
    if inside.demo or near.demo:
        found["标记"] = "演示数据"
    taken = local(web.clock.now(), zone)
    return {**found, "导出人": f"{principal.name}（{principal.role}）", "导出时间": taken}


def _counted(summary: dict[str, Any]) -> str:
    blind = f"；另有 {summary['blind']} 个无坐标，未计" if summary["blind"] else ""
    cut = f"，列出前 {summary['shown']} 个" if summary["shown"] < summary["n"] else ""
    return f"{summary['n']} 个{cut}{blind}"


def people_words(people: dict[str, Any] | None) -> str:
    """How many people and by what rule, in one sentence."""
    if people is None or not people["rows"]:
        return "没有已公布的人口数"
    word = people["level_word"]
    if people["value"] is None:
        return f"未知（区域触及的 {len(people['rows'])} 个{word}中有 {people['unknown']} 个没有人口数）"
    counted = people["n_whole"] + people["n_partly"]
    most = f"触及的 {people['unknown']} 个没有人口数" if people["most"] is None else f"触及的合计 {people['most']:.0f}"
    return (f"{people['value']:.0f}（代表点在区域内的 {counted} 个{word}合计；全部在内的 {people['least']:.0f}，"
            f"{most}；不按面积拆分；{people['period']}）")


def travel_words(near: Answer) -> str:
    """What the minutes rest on, in one sentence."""
    travel = near.parts["travel"]
    straight = (f"直线距离×{travel['detour']:g}（{travel['detour_source']}），平均 {travel['speed_kmh']:g} km/h，"
                f"出动 {travel['departure_min']:g} 分钟；{travel['basis']}")
    return f"按路网；路网不通处：{straight}" if near.parts["roads"] else straight


def features(web: Web, inside: Answer, near: Answer) -> dict[str, Any]:
    """The area and everything in it as a FeatureCollection; the area is its first feature."""
    area = inside.parts["area"]
    shown = {name: value for name, value in area.items() if name not in ("outline", "course", "points", "bounds")}
    found: list[dict[str, Any]] = [{"type": "Feature", "geometry": area["outline"],
                                    "properties": {"list": "area", "name": area["words"], **shown}}]
    for row in told(web, inside, near):
        kept = {name: value for name, value in row.items() if name not in ("lon", "lat") and not name.endswith("_us")}
        found.append({"type": "Feature", "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
                      "properties": kept})
    return {"type": "FeatureCollection", "demo": inside.demo or near.demo, "features": found}


def names(web: Web, inside: Answer, window: Window) -> tuple[str, str]:
    """A file's name with the area, the instant and the mark of simulated data, and the same in ASCII."""
    at = stamp((window.at or window.end).astimezone(ZoneInfo(web.pack.place.timezone)))
    words = inside.parts["area"]["words"].replace(" ", "").replace("/", "-")
    return (f"区域_{words}_{at}{'_演示数据' if inside.demo else ''}",
            f"area-{inside.parts['area']['form']}-{at}{'-demo' if inside.demo else ''}")
