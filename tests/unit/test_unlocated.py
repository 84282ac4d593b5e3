"""An event that lies in the county but in none of its townships: children and the rest make up the parent."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from access.principal import demo_principal
from api.web import Web
from api.web_app import PREFIX, RESOURCES, services
from data.acceptance import Lane
from data.answers import Question, Scope
from data.batches import Batch
from data.clock import to_us
from data.history import HistoryReader, HistoryWriter
from data.identity import IdentityIndex
from data.pack import load_pack
from data.registry import Registry
from data.settings import load_settings
from data.windows import window_of
from geo.locate import Locator

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
COUNTY, WEST, EAST = "990101000000", "990101001000", "990101002000"
NOW = datetime.now(UTC)


def with_gap(folder: Path) -> Path:
    """The tiny pack with its eastern township ending at 100.18: a strip of the county belongs to nobody."""
    shutil.copytree(TINY, folder)
    path = folder / "divisions.geojson"
    raw = orjson.loads(path.read_bytes())
    for feature in raw["features"]:
        if feature["properties"]["code"] == EAST:
            ring = feature["geometry"]["coordinates"][0]
            feature["geometry"]["coordinates"][0] = [[min(lon, 100.18), lat] for lon, lat in ring]
    path.write_bytes(orjson.dumps(raw))
    return folder


def case(name: str, **where: Any) -> dict[str, Any]:
    at = (NOW - timedelta(hours=2)).isoformat()
    raw = {"id": name, "time": at, "stage_time": at, "stage": "received", "category": "c", "channel": "hotline"}
    return raw | where


RECORDS = [case("west", lon=100.05, lat=30.05), case("east", lon=100.15, lat=30.05), case("east2", division=EAST),
           case("gap", lon=100.19, lat=30.05), case("county", division=COUNTY)]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Web:
    folder = tmp_path_factory.mktemp("unlocated")
    pack = load_pack(with_gap(folder / "pack"))
    settings = load_settings(place=folder / "pack", state=folder, redis_url=f"unix://{folder}/none.sock")
    registry = Registry(pack.divisions, Locator(pack.divisions))
    lane = Lane("cases", pack.feeds["cases"], pack, registry, IdentityIndex(HistoryReader(folder / "none")))
    found = lane.prepare(RECORDS, 1, to_us(NOW))
    assert not found.rejected
    writer = HistoryWriter(settings.state_dir / "history")
    writer.append(Batch(1, len(found.rows), "cases", "event", to_us(NOW), found.rows))
    writer.commit()
    made = services(settings, pack)
    made.live.tables.load(to_us(NOW))
    return made


@pytest.fixture
def api(web: Web) -> Callable[..., Any]:
    """What the API answers, without its lifespan: nothing is started, nothing listens."""
    app = Starlette(routes=[Route(PREFIX + path, handler, methods=verbs.split()) for path, handler, verbs in RESOURCES])
    app.state.web = web

    async def ask(metric: str, query: dict[str, str]) -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return (await client.get(f"{PREFIX}/metrics/{metric}", params=query)).json()
    return lambda metric, **query: asyncio.run(ask(metric, query))


@pytest.mark.parametrize("metric", ["calls", "open_cases"])
def test_the_answer_and_the_api_say_what_no_township_holds(web: Web, api: Callable[..., Any], metric: str) -> None:
    window = window_of({}, datetime.now(UTC), web.pack.place.timezone)
    for by in ("township", "children"):
        answer = web.gate.read(demo_principal(COUNTY), Question("metric", metric, by), Scope(COUNTY), window)
        assert {group.code: group.value for group in answer.groups} == {WEST: 1, EAST: 2}
        assert (answer.value, answer.unlocated) == (5, 2)
        told = api(metric, by=by)
        assert (told["value"], told["rows"], told["unlocated"]) == (5, {WEST: 1, EAST: 2}, 2)
        assert sum(told["rows"].values()) + told["unlocated"] == told["value"]


def test_a_township_has_no_rest_and_a_maximum_none_either(api: Callable[..., Any]) -> None:
    assert api("calls", division=EAST, by="township")["unlocated"] == 0
    assert "unlocated" not in api("level", by="township")


def test_filters_and_months_count_it_too(api: Callable[..., Any]) -> None:
    assert api("calls", by="township", **{"f.category": "c"})["unlocated"] == 2
    assert api("calls", by="township", **{"f.category": "x"})["unlocated"] == 0
    months = api("calls", by="month", window="30d")["series"]
    assert sum(point["value"] for point in months) == 5
