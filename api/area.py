"""`/area`: what is in a drawn area and which resources are nearest to it, as JSON and as files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from starlette.requests import Request
from starlette.responses import Response

from access.principal import EXPORT, Principal
from api import area_files
from api.questions import checked_scope, window
from api.spreadsheet import CSV_MEDIA, XLSX_MEDIA, csv_bytes, disposition, xlsx_bytes
from api.told import local, told
from api.web import Web, json_answer, query_of, web_of
from data.answers import Answer, Question, Window

# Rows a list: as JSON where nobody says how many, and in a file.
SHOWN, MOST, EACH = 200, 20_000, 3


@dataclass(frozen=True)
class Found:
    """Both answers to a call, and who asked for what time."""

    web: Web
    principal: Principal
    span: Window
    inside: Answer
    near: Answer

    @property
    def as_of(self) -> datetime:
        """The instant that the answer is about; where it follows the clock, to the minute, as answers are held."""
        end = self.span.at or self.span.end
        return end.replace(second=0, microsecond=0) if self.span.name and self.span.at is None else end


def _found(request: Request, limit: int) -> Found:
    """The two questions of a call, the same as those of the map's drawer; without a division all that one may read."""
    web, query = web_of(request), query_of(request)
    principal, span = web.principal(request), window(web, query)
    scope = checked_scope(web, {**query, "division": query.get("division") or principal.division})
    text, limit = query["area"], min(MOST, int(query.get("limit") or limit))
    inside = web.gate.read(principal, Question("area", text, limit=limit), scope, span)
    each = int(query.get("each") or EACH)
    near = web.gate.read(principal, Question("nearest", query.get("near") or text, limit=each), scope, span)
    return Found(web, principal, span, inside, near)


def whole(request: Request) -> Response:
    """The area, people, lists and the nearest resources."""
    found = _found(request, SHOWN)
    web, inside, near = found.web, found.inside, found.near
    zone = ZoneInfo(web.pack.place.timezone)
    nearest = {name: near.parts[name] for name in ("from", "kinds", "travel", "roads", "off_m", "note")}
    return json_answer(request, {
        "area": inside.parts["area"], "division": inside.at_division, "time": local(found.as_of, zone),
        "people": inside.parts["people"], "lists": inside.parts["lists"], "rows": told(web, inside.rows),
        "total": inside.total, "nearest": {**nearest, "rows": told(web, near.rows)}, "source": inside.source,
        "freshness": inside.freshness, "served_from": inside.served_from, "demo": inside.demo})


def _file(found: Found, body: bytes, media: str, ending: str) -> Response:
    """A download; taking figures away is an export, which not everybody may."""
    found.web.gate.act(found.principal, EXPORT, found.inside.at_division)
    stem, plain = area_files.names(found.web, found.inside, found.span)
    return Response(body, media_type=media, headers={"Content-Disposition": disposition(stem, plain, ending),
                                                     "Cache-Control": "no-store"})


def _about(found: Found) -> dict[str, Any]:
    return area_files.about(found.web, (found.inside, found.near), found.principal, found.span)


def as_csv(request: Request) -> Response:
    """All lists under each other."""
    found = _found(request, MOST)
    table = area_files.one_table(found.web, found.inside, found.near)
    return _file(found, csv_bytes(table, _about(found)), CSV_MEDIA, "csv")


def as_xlsx(request: Request) -> Response:
    """A workbook with a sheet a list."""
    found = _found(request, MOST)
    body = xlsx_bytes(area_files.sheets(found.web, found.inside, found.near), _about(found))
    return _file(found, body, XLSX_MEDIA, "xlsx")


def as_geojson(request: Request) -> Response:
    """The outline and everything in it as features."""
    found = _found(request, MOST)
    body = area_files.features(found.web, found.inside, found.near) | {"about": _about(found)}
    return _file(found, orjson.dumps(body), "application/geo+json", "geojson")
