"""The push door of a feed with a mapping: the sender's fields, codes and coordinates; answers by what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from own_redis import RedisServer
from pulled_place import pack_with, rows_of
from starlette.applications import Starlette

from data.collect import Collector
from data.door import make_door
from data.pack import load_pack
from data.quarantine_view import Chosen, QuarantineView
from data.settings import load_settings
from geo.crs import wgs84_to_gcj02

pytestmark = pytest.mark.integration
WIDE = ("{fields: {station: id, time: at}, timezone: Asia/Shanghai, missing: [''], "
        "values: {h: {metric: level}, q: {metric: flow, scale: 0.001}}}")
PLACED = """cases_gcj:
  name: 来电
  topic: C1
  department: test
  kind: event
  cadence: 10min
  source: {kind: push}
  crs: GCJ-02
  map:
    fields: {id: number, time: at, category: kind, stage: step, stage_time: at, lon: x, lat: y}
    constants: {channel: phone}
    timezone: Asia/Shanghai
    codes: {stage: {受理: received}}
"""


@pytest.fixture
def door(tmp_path: Path, redis_server: RedisServer) -> Iterator[Starlette]:
    pack_with(tmp_path, {"wide": ("{kind: push}", WIDE)})
    with (tmp_path / "pack" / "feeds.yaml").open("a", encoding="utf-8") as file:
        file.write(PLACED)
    settings = load_settings(place=tmp_path / "pack", state=tmp_path / "s", redis_url=redis_server.url)
    collector = Collector(settings, load_pack(settings.place_dir))
    collector.start()
    yield make_door(collector)
    collector.stop()


def send(door: Starlette, feed: str, records: Any, lines: bool = False) -> tuple[int, Any]:
    body = b"\n".join(one if isinstance(one, bytes) else orjson.dumps(one) for one in records) if lines \
        else orjson.dumps(records)
    kind = "application/x-ndjson" if lines else "application/json"
    answer = post(door, feed, body, kind)
    return answer.status_code, answer.json()


def post(door: Starlette, feed: str, body: Any, kind: str = "application/json") -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://door") as client:
            return await client.post(f"/push/{feed}", content=body, headers={"content-type": kind})

    return asyncio.run(ask())


async def blanks(number: int) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield b" " * 1_000_000


def test_rejections_name_what_was_sent(door: Starlette, tmp_path: Path) -> None:
    good = {"id": "g1", "at": "2026-11-20 08:00", "h": "1.5", "q": 2000}
    records: list[Any] = [good, b"{broken", {**good, "at": "25:00"}, [1], {**good, "at": "2026-11-20 08:05", "h": "坏"},
                          {**good, "at": "2026-11-20 08:10", "h": "", "q": ""}]
    status, said = send(door, "wide", records, lines=True)
    assert status == 200
    assert (said["accepted"], said["duplicate"]) == (3, 0)
    assert [item["index"] for item in said["rejected"]] == [1, 2, 3, 4]
    assert "应为数，得到 '坏'" in said["rejected"][3]["reason"]
    assert sorted((row["metric"], row["value"]) for row in rows_of(tmp_path / "s")) == [
        ("flow", 2.0), ("flow", 2.0), ("level", 1.5)]
    assert send(door, "wide", [good])[1] == {"accepted": 0, "duplicate": 2, "rejected": []}
    assert len(QuarantineView(tmp_path / "s" / "quarantine").rows(Chosen(), 1000)) == 4


def test_coordinates_are_converted_once_and_located(door: Starlette, tmp_path: Path) -> None:
    lon, lat = (float(value) for value in wgs84_to_gcj02(100.05, 30.05))
    record = {"number": "1", "at": "2026-11-20 08:00", "kind": "road", "step": "受理", "x": lon, "y": lat}
    assert send(door, "cases_gcj", [record])[1]["accepted"] == 1
    assert send(door, "cases_gcj", [record])[1]["duplicate"] == 1, "converted alike each time"
    [row] = rows_of(tmp_path / "s", "event")
    assert (row["lon"], row["lat"]) == pytest.approx((100.05, 30.05), abs=2e-7)
    assert row["code"]


def test_sizes(door: Starlette) -> None:
    assert send(door, "wide", [{}] * 10_001)[0] == 413
    assert send(door, "wide", [{}] * 10_001, lines=True)[0] == 413
    assert post(door, "wide", b"[" + b" " * 10_000_000 + b"]").status_code == 413
    assert post(door, "wide", blanks(12)).status_code == 413, "without a length"
    assert post(door, "none", b"[]").status_code == 404
