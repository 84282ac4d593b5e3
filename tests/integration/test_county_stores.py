"""The county with its collector and its web over PostgreSQL, against the same over Parquet: equal in every metric."""

from __future__ import annotations

from math import isclose
from typing import Any

import pytest
from own_redis import RedisServer, wait_for
from recount_world import DAY, NOW, NOW_S, YUDU, Records, register
from web_server import serving

from data.clock import Clock, from_us
from data.collect import Collector
from data.pack import Pack, load_pack
from data.settings import Settings, load_settings
from demo.economy import releases
from demo.opening import first_memory, opening
from demo.world import World, make_world

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def deliveries(pack: Pack) -> list[tuple[str, Records]]:
    """Two months of events, five days of readings, figures and stations, in the order in which they are sent."""
    world: World = make_world(pack, "storm", NOW_S)
    day = 86_400
    sent: list[tuple[str, Records]] = [("assets", register(world)), ("population", world.economy.population(2025))]
    sent += [("economy", world.economy.records(release)) for release in releases(NOW_S - 430 * day, NOW_S - 5 * day)]
    sent.append(("events", world.events.changes(NOW_S - 62 * day, NOW_S - 58 * day)))
    sent += [(feed, world.observations.coarse_records(feed, NOW_S - 5 * day, NOW_S - day))
             for feed in ("rain", "river", "air_hourly")]
    opened = list(opening(world, first_memory(NOW_S, "storm")))
    sent += opened
    corrected = next(records for feed, records in opened if feed == "rain")
    return [*sent, ("rain", [record | {"value": record["value"] + 1.5} for record in corrected[-40:]])]


def fill(settings: Settings, pack: Pack, sent: list[tuple[str, Records]]) -> list[dict[str, Any]]:
    """Sends all to a collector of the settings' own and waits until its history has it; what it said."""
    collector = Collector(settings, pack)
    collector.start()
    try:
        said = [collector.submit(feed, records).result(240).as_json() for feed, records in sent]
        wait_for(lambda: collector.status()["lags"]["history"] == 0 and collector.status()["lags"]["redis"] == 0, 240)
        assert collector.status()["parts"]["history"] == ""
    finally:
        collector.stop()
    return [{key: answer[key] for key in ("accepted", "duplicate", "rejected")} for answer in said]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, postgres_address: str) -> list[dict[str, Any]]:
    """What the web over each store answers, by question."""
    pack = load_pack(YUDU)
    sent, answers, said = deliveries(pack), [], []
    for number, address in enumerate(("", postgres_address)):
        folder = tmp_path_factory.mktemp(f"county{number}")
        redis = RedisServer(folder / "redis")
        redis.start()
        try:
            settings = load_settings(place=YUDU, state=folder / "s", redis_url=redis.url, history_url=address,
                                     clock_offset_s=NOW_S - Clock().now().timestamp())
            said.append(fill(settings, pack, sent))
            if address:
                assert not list((folder / "s").rglob("*.parquet"))
            answers.append(ask(settings, pack))
        finally:
            redis.stop()
    assert said[0] == said[1]
    return answers


def ask(settings: Settings, pack: Pack) -> dict[str, Any]:
    """Every metric of the county: now, of the past, by level and month, and as known at an instant."""
    past = {"from": text(NOW - 4 * DAY), "to": text(NOW - 2 * DAY)}
    questions: dict[str, dict[str, str]] = {
        "today": {"from": text(NOW - DAY), "to": text(NOW)}, "past": past, "towns": past | {"by": "township"},
        "days": {"from": text(NOW - 60 * DAY), "to": text(NOW), "by": "day"},
        "months": {"from": text(NOW - 400 * DAY), "to": text(NOW), "by": "month"}}
    found: dict[str, Any] = {}
    with serving(settings) as (client, _):
        wait_for(lambda: client.get("/readyz").status_code == 200, 240)
        for key in pack.metrics:
            for name, query in questions.items():
                answer = client.get(f"/api/v1/metrics/{key}", params=query)
                # A metric may know no levels or months; each says today's and a past figure.
                assert answer.status_code == 200 or name not in ("today", "past"), (key, name, answer.text)
                assert answer.status_code in (200, 400), (key, name, answer.text)
                found[f"{key} {name}"] = comparable(answer.json())
    return found


def text(us: int) -> str:
    return from_us(us).isoformat()


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Without what tells when it was asked and received."""
    return {name: value for name, value in answer.items() if name not in ("version", "received", "as_of", "instance")}


def unequal(one: Any, two: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Where two answers differ; a sum over rows in another order may differ in the last of its digits."""
    if isinstance(one, dict) and isinstance(two, dict):
        return [wrong for key in sorted(one.keys() | two.keys())
                for wrong in unequal(one.get(key, "absent"), two.get(key, "absent"), f"{path}.{key}")]
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return [wrong for n, (a, b) in enumerate(zip(one, two, strict=True)) for wrong in unequal(a, b, f"{path}.{n}")]
    if isinstance(one, float) and isinstance(two, float) and isclose(one, two, rel_tol=1e-12):
        return []
    return [] if one == two and type(one) is type(two) else [(path, one, two)]


def test_every_metric_is_the_same_on_both_stores(told: list[dict[str, Any]]) -> None:
    parquet, postgres = told
    assert unequal(parquet, postgres)[:20] == []
    assert unequal({"a": [1.0, {"b": 2}]}, {"a": [1.0, {"b": 2.0}]}) == [(".a.1.b", 2, 2.0)]
    with_figures = {key.split()[0] for key, answer in postgres.items() if answer.get("value") is not None}
    assert len(with_figures) > len({key.split()[0] for key in postgres}) // 2
