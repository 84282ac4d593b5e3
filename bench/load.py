"""Many at once: viewers with open streams, computations per data version, and records through the push door."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import psutil

from bench.crowd import Crowd
from bench.place import Place, until
from bench.scene import Scene
from bench.series import Series, p95

COUNTER = "yiping_answers_computed_total"
EVERY_S = 5.0


def in_loop(work: Coroutine[Any, Any, None]) -> None:
    """Runs in a thread of its own: Playwright's loop occupies this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def viewers(scene: Scene) -> list[Series]:
    """One viewer alone, then two hundred, while the demo goes on."""
    place, seconds, many = scene.place, scene.rounds(40, 15), 200
    paths = [f"/api/v1/view?screen=overview&division={code}" for code in ["", *place.townships()]]
    alone, crowd = Crowd(place.port, paths, 1), Crowd(place.port, paths, many)
    in_loop(alone.run(seconds, 0.2))
    web = psutil.Process(place.pid("web"))
    before, began, computed = web.cpu_times(), time.monotonic(), place.counter(COUNTER)
    in_loop(crowd.run(seconds, EVERY_S))
    spent, after = time.monotonic() - began, web.cpu_times()
    cores = (after.user + after.system - before.user - before.system) / spent
    facts: dict[str, object] = {"viewers": many, "messages": crowd.messages,
                                "computed": place.counter(COUNTER) - computed}
    return [Series("viewers_alone_ms", "ms", alone.took), Series("viewers_ms", "ms", crowd.took, facts=facts),
            Series("viewers_ratio", "×", [p95(crowd.took) / p95(alone.took)], "p95 ÷ p95"),
            Series("viewers_cpu_cores", "核", [cores]), Series("viewers_rss_mb", "MB", [web.memory_info().rss / 1e6]),
            Series("viewers_errors", "", [float(crowd.errors)])]


def computations(scene: Scene) -> list[Series]:
    """How often a distinct question is computed in one data version: asked by one viewer, then by fifty at once."""
    place = scene.place
    today = datetime.now(UTC).date()
    span = f"from={today - timedelta(days=2)}&to={today + timedelta(days=2)}"    # fixed: no minute changes the question
    metrics = [key for key, metric in place.pack.metrics.items() if "events" in metric.feeds]
    asked = [f"/api/v1/metrics/{key}?division={place.townships()[0]}&{span}" for key in metrics]
    found: dict[int, float] = {}
    with place.still():
        for crowd in (1, 50):
            place.push("events", [place.event(place.townships()[0])])
            time.sleep(1.0)                             # the web has taken it over
            if time.time() % 60 > 45:
                time.sleep(60 - time.time() % 60)       # freshness is judged anew at a full minute
            before = place.counter(COUNTER)
            in_loop(_all_ask(place, asked, crowd))
            found[crowd] = (place.counter(COUNTER) - before) / len(asked)
    facts: dict[str, object] = {"questions": len(asked), "viewers": list(found)}
    return [Series("computed_per_question", "", list(found.values()), "1 人、50 人", facts)]


async def _all_ask(place: Place, asked: list[str], crowd: int) -> None:
    async with httpx.AsyncClient(base_url=place.url, timeout=60, trust_env=False) as client:
        async def one() -> None:
            for question in asked:
                (await client.get(question)).raise_for_status()

        await asyncio.gather(*[one() for _ in range(crowd)])


def ingest(scene: Scene, seconds: float = 0.0, batch: int = 1000, senders: int = 4) -> list[Series]:
    """Observations per second acknowledged after fsync, in batches through the push door."""
    place, seconds = scene.place, seconds or scene.rounds(60, 8)
    bodies = _bodies(place, batch, round(40 * seconds))
    rates: list[float] = []
    with place.still():
        in_loop(_sending(place, bodies, senders, seconds, rates))
    facts: dict[str, object] = {"batch": batch, "senders": senders, "seconds": seconds}
    return [Series("ingest_per_s", "条/秒", rates, "每秒一个样本", facts)]


def _bodies(place: Place, batch: int, count: int) -> list[bytes]:
    """Sweeps over sensors, one instant each, going back from an hour ago: nothing on the screen changes."""
    stations = stations_of(place)
    metric, check = next(iter(place.pack.feeds["sensors"].checks.items()))
    low, high = float(check.low or 0), float(check.high or 1)
    start = place.now_us() // 1_000_000 - 3600
    values = [round(low + (high - low) * (k % 90) / 100, 3) for k in range(batch)]
    return [orjson.dumps([{"station": stations[k % len(stations)], "metric": metric, "value": values[k],
                           "time": (start - number) * 1_000_000 + k, "demo": True} for k in range(batch)])
            for number in range(count)]


def stations_of(place: Place) -> list[str]:
    """Every sensor of the place, as soon as the place knows them."""
    layers = [key for key in place.pack.layers if key.startswith("sensor_")]

    def found() -> list[str]:
        return [feature["properties"]["id"] for key in layers
                for feature in place.client.get(f"/api/v1/layers/{key}.geojson").json()["features"]]

    until(found, 60, "没有传感器")
    return found()


async def _sending(place: Place, bodies: list[bytes], senders: int, seconds: float, rates: list[float]) -> None:
    waiting, accepted = list(bodies), [0]
    end = time.monotonic() + seconds

    async def sender(client: httpx.AsyncClient) -> None:
        while waiting and time.monotonic() < end:
            reply = await client.post("/api/v1/feeds/sensors/records", content=waiting.pop(), headers=place.headers())
            reply.raise_for_status()
            accepted[0] += reply.json()["accepted"]

    async def clock() -> None:
        last, at = 0, time.monotonic()
        while not all(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=1.0, return_when=asyncio.ALL_COMPLETED)
            now = time.monotonic()
            if now - at > 0.5:
                rates.append((accepted[0] - last) / (now - at))
                last, at = accepted[0], now

    async with httpx.AsyncClient(base_url=place.url, timeout=60, trust_env=False) as client:
        tasks = [asyncio.create_task(sender(client)) for _ in range(senders)]
        await clock()
        await asyncio.gather(*tasks)


