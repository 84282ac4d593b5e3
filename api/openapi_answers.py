"""Schemas of what the calls answer, for the OpenAPI document; the fuzzing test holds every answer against them."""

from __future__ import annotations

from typing import Any, get_args

from data.answers import Freshness, ServedFrom, State
from data.records import LEVELS, STAGES

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
TALLY: Schema = {"type": ["integer", "null"], "description": "今日的条数；看过去某一刻时为 null"}
MICROS: Schema = {"type": "integer", "description": "UTC，自 1970 年起的微秒"}
SECONDS: Schema = {"type": "integer", "minimum": 0}
REAL: Schema = {"type": ["number", "null"]}
FLAG: Schema = {"type": "boolean"}
BINARY: Schema = {"type": "string", "format": "binary"}
TIME: Schema = {"type": ["string", "null"], "format": "date-time", "description": "本地时间，带时差；null = 没有"}
FRESH: Schema = {"type": "string", "enum": list(get_args(Freshness))}
SERVED: Schema = {"type": "string", "enum": list(get_args(ServedFrom))}
PICTURE: Schema = {"type": "string", "format": "binary"}
ANY: Schema = {"type": "object"}


def rows(item: Schema) -> Schema:
    """A list of items."""
    return {"type": "array", "items": item}


def thing(required: dict[str, Schema], optional: dict[str, Schema] | None = None, closed: bool = True) -> Schema:
    """An object; `closed`: nothing but these names."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})},
            **({"additionalProperties": False} if closed else {})}


def mapping(value: Schema) -> Schema:
    """code → value."""
    return {"type": "object", "additionalProperties": value}


PROBLEM = thing({"type": TEXT, "title": TEXT, "status": WHOLE, "detail": TEXT})
VERDICT = thing({"accepted": WHOLE, "duplicate": WHOLE,
                 "rejected": rows(thing({"index": WHOLE, "reason": {"type": "string", "minLength": 2}}))})
METRIC = thing({"id": TEXT, "name": TEXT, "unit": TEXT, "topic": TEXT, "level": TEXT, "over_area": TEXT,
                "over_time": TEXT, "comparable": FLAG, "department": TEXT, "cadence": TEXT})
FIGURE = thing(
    {"metric": TEXT, "name": TEXT, "value": REAL, "unit": TEXT, "division": TEXT, "n": WHOLE, "time": TIME,
     "source": TEXT, "freshness": FRESH, "served_from": SERVED, "state": {"enum": [*get_args(State), None]},
     "target": REAL, "demo": FLAG},
    {"unlocated": REAL, "change": thing({"word": TEXT, "value": REAL, "unit": TEXT}), "parts": ANY,
     "stations": thing({"told": WHOLE, "known": WHOLE, "enough": FLAG}),
     "series": rows(thing({"time": TIME, "value": REAL, "n": WHOLE}, closed=False)), "rows": mapping(REAL),
     "names": mapping(TEXT)})
EVENT = thing(
    {"id": TEXT, "feed": TEXT, "title": TEXT, "category": TEXT, "category_code": TEXT, "channel": TEXT,
     "department": TEXT, "stage": TEXT, "stage_code": {"enum": list(STAGES)}, "division": TEXT, "division_code": TEXT,
     "time": TIME, "stage_time": TIME, "due": TIME, "left_s": SECONDS, "overdue_s": SECONDS,
     "state": {"enum": list(get_args(State))}, "lon": REAL, "lat": REAL, "demo": FLAG},
    {"detail": TEXT, "history": rows(thing({"stage": TEXT, "stage_code": {"enum": list(STAGES)}, "time": TIME}))})
WARNING = thing({"id": TEXT, "feed": TEXT, "kind": TEXT, "level": {"enum": list(LEVELS)}, "headline": TEXT,
                 "detail": TEXT, "sent": TIME, "expires": TIME, "divisions": rows(TEXT), "active": FLAG, "status": TEXT,
                 "demo": FLAG})
FEED = thing({"feed": TEXT, "name": TEXT, "topic": TEXT, "department": TEXT, "kind": TEXT, "freshness": FRESH,
              "scheduled": FLAG, "cadence_s": {"type": "number"}, "last_time": TIME, "last_received": TIME,
              "last_contact": TIME, "accepted": TALLY, "duplicate": TALLY, "rejected": TALLY, "error": TEXT,
              "read_as": TEXT}, closed=False)
LAYER = thing({"id": TEXT, "name": TEXT, "group": TEXT, "topic": TEXT, "unit": TEXT, "source": TEXT, "time": TIME,
               "kind": {"enum": ["metric", "assets", "events", "lines", "ground", "tiles"]}, "freshness": FRESH,
               "count": {"type": ["integer", "null"], "description": "区划内的个数；指标没有"}, "unlocated": WHOLE,
               "levels": rows(TEXT), "metric": TEXT})
NAMED = thing({"code": TEXT, "name": TEXT})
TOPIC = thing({"id": TEXT, "name": TEXT, "domain": TEXT, "screens": rows(TEXT), "panels": rows(TEXT),
               "feeds": rows(TEXT), "metrics": rows(TEXT), "layers": rows(TEXT), "briefing": TEXT, "live": FLAG,
               "why_not": TEXT})
FEATURES = thing({"type": {"const": "FeatureCollection"}, "features": rows(
    thing({"type": {"const": "Feature"}, "geometry": {"type": ["object", "null"]}, "properties": ANY}, closed=False))},
    closed=False)
DIVISION = thing({"code": TEXT, "name": TEXT, "level": TEXT, "level_word": TEXT, "parent": TEXT, "official": FLAG,
                  "area_km2": {"type": "number", "minimum": 0}, "population": REAL, "period": TEXT,
                  "assets": rows(thing({"layer": TEXT, "name": TEXT, "count": WHOLE, "reports": FLAG})),
                  "children": rows(NAMED), "chain": rows(NAMED)})
FOUND = thing({"q": TEXT, "results": rows(thing(
    {"kind": {"enum": ["division", "asset", "event", "point"]}, "feed": TEXT, "id": TEXT, "name": TEXT,
     "division": TEXT, "division_code": TEXT, "what": TEXT, "layer": TEXT, "state": TEXT, "lon": REAL, "lat": REAL,
     "match": TEXT})), "total": WHOLE, "at": {"type": ["string", "null"]}, "freshness": FRESH, "served_from": SERVED})
HERE = thing({
    "kind": {"enum": ["asset", "event", "point"]}, "thing": {"type": ["object", "null"]}, "lon": REAL, "lat": REAL,
    "crs": TEXT, "division": TEXT, "chain": rows(thing({"code": TEXT, "name": TEXT, "level": TEXT})),
    "figure": {"anyOf": [FIGURE, {"type": "null"}]}, "nearest": rows(thing(
        {"layer": TEXT, "layer_name": TEXT, "feed": TEXT, "id": TEXT, "name": TEXT,
         "distance_m": {"type": "number", "minimum": 0}})),
    "events": rows(EVENT | {"properties": {**EVENT["properties"], "distance_m": {"type": "number"}}})})
CHANGES = thing({"v": TEXT, "feeds": rows(TEXT), "now": MICROS, "from": SERVED, "trouble": TEXT, "seq": WHOLE})
VIEW = thing({"v": TEXT, "now": MICROS, "seq": WHOLE, "screen": TEXT, "query": TEXT, "title": TEXT,
              "body": TEXT, "demo": FLAG, "alarm": FLAG, "theme": TEXT, "from": SERVED, "regions": mapping(TEXT),
              "feeds": rows(TEXT), "map": ANY})
DEED = thing({}, closed=False)
EVENTS = thing({"events": rows(EVENT), "total": WHOLE, "next": {"type": ["string", "null"]}, "freshness": FRESH,
                "served_from": SERVED})
TABLE = thing({"rows": rows(ANY), "total": WHOLE})
AREA_ROW = thing({"list": TEXT, "layer": TEXT, "kind": TEXT, "id": TEXT, "feed": TEXT, "name": TEXT, "state": TEXT,
                  "text": TEXT, "distance_m": WHOLE, "division": TEXT, "division_code": TEXT, "lon": REAL, "lat": REAL,
                  "demo": FLAG}, closed=False)
AREA_LIST = thing({"key": TEXT, "word": TEXT, "n": WHOLE, "shown": WHOLE, "blind": WHOLE, "kinds": rows(thing(
    {"layer": TEXT, "name": TEXT, "n": WHOLE, "blind": WHOLE, "sums": mapping(REAL)}))}, {"overdue": WHOLE})
AREA = thing({"area": thing({"text": TEXT, "form": TEXT, "words": TEXT, "center": rows(REAL), "km2": REAL,
                             "perimeter_m": WHOLE, "notes": rows(TEXT), "outline": ANY}, closed=False),
              "division": TEXT, "time": TIME, "people": {"type": ["object", "null"]}, "lists": rows(AREA_LIST),
              "rows": rows(AREA_ROW), "total": WHOLE, "nearest": thing(
                  {"from": rows(REAL), "kinds": rows(ANY), "travel": ANY, "roads": WHOLE, "off_m": REAL, "note": TEXT,
                   "rows": rows(AREA_ROW)}), "source": TEXT, "freshness": FRESH, "served_from": SERVED, "demo": FLAG})
