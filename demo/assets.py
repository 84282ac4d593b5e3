"""The demo county's register: stations, devices, and what an emergency needs; every place and figure is simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from demo.chance import one
from demo.flows import PARKING_CAPACITY
from demo.hydro import GUARANTEE_ABOVE_M, RIVER_BASE_M, RIVER_NAMES, WARN_ABOVE_M, reservoir_facts
from demo.sensors import METRICS
from demo.sites import LAYERS, short

if TYPE_CHECKING:
    from demo.county import County

Facts = dict[str, Any]
# layer: how many, id prefix, word after the village's name, how much built-up land attracts it, department
OTHERS: dict[str, tuple[int, str, str, float, str]] = {
    "hydrant": (400, "HY", "消防栓", 1.2, "县应急管理局"), "shelter": (60, "SH", "应急避难场所", 0.4, "县应急管理局"),
    "camera": (300, "CA", "视频监控", 0.8, "县公安局"), "hazard": (68, "DZ", "地质灾害隐患点", 0.0, "县自然资源局"),
    "hospital": (30, "HO", "卫生院", 0.4, "县卫健委"), "school": (80, "SC", "学校", 0.5, "县教科体局"),
    "enterprise": (60, "EN", "企业", 1.8, "县统计局"), "team": (25, "TE", "应急救援队", 0.3, "县应急管理局"),
    "supply": (20, "SU", "应急物资库", 0.3, "县应急管理局"), "project": (40, "PJ", "重大项目", 1.0, "县城市运行中心"),
    "care": (36, "CR", "养老院", 0.4, "县民政局"), "vehicle": (45, "VE", "应急车辆", 0.6, "县应急管理局"),
}
STATION_DEPARTMENT = {
    "station_air": "县生态环境局", "station_water": "县生态环境局", "station_rain": "县水利局",
    "station_river": "县水利局", "reservoir": "县水利局", "sensor_water_pressure": "县住建局",
    "sensor_gas": "县住建局", "sensor_manhole": "县城管局", "sensor_lamp": "县城管局", "sensor_ponding": "县城管局",
    "sensor_bridge": "县交通运输局", "parking": "县城管局", "gate": "县公安局", "hall": "县行政审批局",
}
INDUSTRIES = ("纺织服装", "新型建材", "电子信息", "食品加工", "机械制造")
PROJECTS = ("标准厂房", "产业园基础设施", "道路改造", "污水管网", "学校扩建", "水厂提标", "安置房", "冷链物流")
VEHICLES = (("客车", 45), ("运输车", 3), ("抢险车", 6), ("救护车", 4), ("水罐消防车", 7))
HAZARDS = ("滑坡", "崩塌", "泥石流", "地面塌陷")


def features(county: County) -> list[Facts]:
    """GeoJSON features of all assets, by layer."""
    found: list[Facts] = []
    for layer in LAYERS:
        found += _stations(county, layer)
    found += _power(county)
    for layer in OTHERS:
        found += _others(county, layer)
    return found


def collection(county: County) -> Facts:
    """The register as one FeatureCollection."""
    return {"type": "FeatureCollection", "features": features(county)}


def _feature(identity: str, layer: str, name: str, lonlat: tuple[float, float], facts: Facts) -> Facts:
    properties = {"layer": layer, "name": name, "demo": True} | facts
    return {"type": "Feature", "id": identity, "properties": {"id": identity} | properties,
            "geometry": {"type": "Point", "coordinates": [round(lonlat[0], 6), round(lonlat[1], 6)]}}


def _stations(county: County, layer: str) -> list[Facts]:
    sites, extra = county.sites[layer], STATION_FACTS.get(layer)
    found = []
    for number, identity in enumerate(sites.ids):
        facts: Facts = {"department": STATION_DEPARTMENT[layer]}
        if layer in METRICS:
            facts["metric"] = METRICS[layer]
        if extra is not None:
            facts |= extra(county, number)
        name = f"{RIVER_NAMES[number]}水位站" if layer == "station_river" else sites.names[number]
        found.append(_feature(identity, layer, name, (float(sites.lon[number]), float(sites.lat[number])), facts))
    return found


def _power(county: County) -> list[Facts]:
    found = []
    for town in county.ground.towns:
        lonlat = county.ground.spot(town.villages[0], "power", town.code)
        found.append(_feature(f"power-{town.code}", "power", f"{town.name}供电单元", lonlat,
                              {"department": "国网于都县供电公司", "division": town.code}))
    return found


def _others(county: County, layer: str) -> list[Facts]:
    how_many, prefix, word, urban, department = OTHERS[layer]
    ground, make = county.ground, OTHER_FACTS[layer]
    found = []
    for number, village in enumerate(ground.villages_for(how_many, urban, "asset", layer)):
        facts = make(county, number)
        name = short(ground.villages[village].name) + str(facts.pop("word", word))
        found.append(_feature(f"{prefix}{number + 1:04d}", layer, name, ground.spot(village, layer, number),
                              {"department": department} | facts))
    return found


def _water(county: County, number: int) -> Facts:
    return {"body": "river", "river": RIVER_NAMES[number % len(RIVER_NAMES)], "target": "Ⅱ" if number % 3 == 0 else "Ⅲ",
            "target_class": 2 if number % 3 == 0 else 3}


def _river(county: County, number: int) -> Facts:
    base = RIVER_BASE_M[number]
    return {"river": RIVER_NAMES[number], "warn_m": round(base + WARN_ABOVE_M, 2),
            "guarantee_m": round(base + GUARANTEE_ABOVE_M, 2)}


def _reservoir(county: County, number: int) -> Facts:
    facts = {key: float(value[number]) for key, value in reservoir_facts(county).items() if key != "margin_m"}
    return {**facts, "size": "小(1)型" if facts["storage_limit"] >= 100 else "小(2)型",
            "people": int(200 + 2800 * one(county.seed, "below", number))}


def _parking(county: County, number: int) -> Facts:
    return {"capacity": PARKING_CAPACITY[number % len(PARKING_CAPACITY)]}


def _hydrant(county: County, number: int) -> Facts:
    return {"pressure_mpa": round(0.15 + 0.25 * one(county.seed, "hydrant", number), 2),
            "state": "完好" if one(county.seed, "hydrantstate", number) < 0.95 else "待修"}


def _shelter(county: County, number: int) -> Facts:
    return {"capacity": int(100 + 900 * one(county.seed, "shelter", number)), "indoor": number % 3 == 0}


def _camera(county: County, number: int) -> Facts:
    return {"online": one(county.seed, "camera", number) < 0.965}


def _hazard(county: County, number: int) -> Facts:
    households = int(1 + 18 * one(county.seed, "hazard", number))
    kind = HAZARDS[min(3, int(4.6 * one(county.seed, "hazardkind", number)))]
    return {"word": f"{kind}隐患点", "kind": kind, "households": households, "people": households * 4,
            "level": "中型" if households > 14 else "小型"}


def _hospital(county: County, number: int) -> Facts:
    if number == 0:
        return {"word": "医院", "beds": 600}
    return {"beds": int(20 + 60 * one(county.seed, "beds", number))}


def _school(county: County, number: int) -> Facts:
    return {"word": ("小学", "小学", "中学", "幼儿园")[number % 4],
            "pupils": int(120 + 1500 * one(county.seed, "pupils", number))}


def _enterprise(county: County, number: int) -> Facts:
    industry = INDUSTRIES[int(one(county.seed, "industry", number) * len(INDUSTRIES))]
    return {"word": f"{industry}企业{number + 1:02d}", "industry": industry,
            "output_10k": int(2000 + 60_000 * one(county.seed, "output", number) ** 2)}


def _team(county: County, number: int) -> Facts:
    return {"members": int(8 + 40 * one(county.seed, "team", number)),
            "kind": ("消防", "民兵", "医疗", "森林防火", "水上")[number % 5]}


def _supply(county: County, number: int) -> Facts:
    return {"tents": int(20 + 180 * one(county.seed, "tents", number)),
            "boats": int(8 * one(county.seed, "boats", number)),
            "sandbags": int(500 + 5000 * one(county.seed, "sandbags", number))}


def _project(county: County, number: int) -> Facts:
    plan = round(0.5 + 9.5 * one(county.seed, "plan", number) ** 2, 2)
    stage = ("前期", "在建", "在建", "竣工")[number % 4]
    done = 1.0 if stage == "竣工" else min(1.0, 0.45 + 0.6 * one(county.seed, "done", number))
    return {"word": f"{PROJECTS[number % len(PROJECTS)]}项目", "plan": plan, "actual": round(plan * done, 2),
            "stage": stage, "late": done < 0.65, "industry": INDUSTRIES[number % 5]}


def _care(county: County, number: int) -> Facts:
    beds = int(30 + 170 * one(county.seed, "carebeds", number))
    return {"beds": beds, "residents": int(beds * (0.4 + 0.5 * one(county.seed, "residents", number)))}


def _vehicle(county: County, number: int) -> Facts:
    kind, seats = VEHICLES[number % len(VEHICLES)]
    return {"word": f"{kind}{number // len(VEHICLES) + 1:02d}", "kind": kind, "seats": seats,
            "ready": one(county.seed, "vehicle", number) < 0.93}


Make = Callable[["County", int], Facts]
STATION_FACTS: dict[str, Make] = {"station_water": _water, "station_river": _river, "reservoir": _reservoir,
                                  "parking": _parking}
OTHER_FACTS: dict[str, Make] = {
    "hydrant": _hydrant, "shelter": _shelter, "camera": _camera, "hazard": _hazard, "hospital": _hospital,
    "school": _school, "enterprise": _enterprise, "team": _team, "supply": _supply, "project": _project,
    "care": _care, "vehicle": _vehicle,
}
