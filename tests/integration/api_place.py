"""A collector process and the web application over one state folder and the tiny pack, for tests of the API."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from own_redis import ROOT, TINY_PACK, RedisServer, wait_for
from web_server import serving

from data.settings import Settings, load_settings
from data.statefolder import socket_path
from data.tokens import make_token

NOW = datetime.now(UTC).replace(microsecond=0)
COUNTY, WEST, EAST = "990101000000", "990101001000", "990101002000"


class Served:
    """The running place, with a token of each feed."""

    def __init__(self, settings: Settings, client: httpx.Client, app: Any) -> None:
        self.settings, self.client, self.web = settings, client, app.state.web
        self.tokens = {feed: make_token(settings, feed) for feed, declared in self.web.pack.feeds.items()
                       if declared.source.kind == "push"}
        self.duty = ""

    def push(self, feed: str, *records: dict[str, Any]) -> Any:
        return self.client.post(f"/api/v1/feeds/{feed}/records", json=list(records),
                                headers={"Authorization": f"Bearer {self.tokens[feed]}"})

    def get(self, path: str, **query: str) -> Any:
        return self.client.get("/api/v1" + path, params=query)

    def value(self, metric: str, **query: str) -> Any:
        return self.get(f"/metrics/{metric}", **query).json()["value"]


@contextmanager
def running(folder: Path, pack: Path = TINY_PACK) -> Iterator[Served]:
    """The place, empty."""
    redis = RedisServer(folder / "redis")
    redis.start()
    settings = load_settings(place=pack, state=folder / "api", redis_url=redis.url, cache_url=redis.url)
    environment = {**os.environ, "YIPING_PLACE": str(pack), "YIPING_STATE": str(settings.state_dir),
                   "YIPING_REDIS_URL": redis.url}
    process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], env=environment,
                               stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: socket_path(settings, "collector.sock").exists(), 60)
        with serving(settings) as (client, app):
            yield Served(settings, client, app)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        redis.stop()


@contextmanager
def filled(folder: Path) -> Iterator[Served]:
    """The place with stations, readings, events of both townships, a warning, refusals, and a session of the duty."""
    with running(folder) as place:
        place.push("stations", *({"id": f"g{i}", "layer": "gauge", "name": f"站{i}", "lon": 100.05 + i / 20,
                                  "lat": 30.05} for i in range(3)))
        place.push("gauges", *({"station": f"g{i}", "metric": "level", "value": i + minute / 10,
                                "time": (NOW - timedelta(minutes=minute)).isoformat()}
                               for i in range(3) for minute in range(0, 60, 5)))
        place.push("cases", *(case(f"e{i}", (WEST, EAST)[i % 2]) for i in range(230)), case("bad", stage="finished"))
        sent = (NOW - timedelta(hours=1)).isoformat()
        place.push("warnings", {"id": "w1", "kind": "暴雨", "level": "red", "sent": sent, "divisions": [WEST],
                                "expires": (NOW + timedelta(hours=5)).isoformat(), "headline": "暴雨红色预警"})
        place.duty = place.web.sessions.open_duty()
        wait_for(lambda: place.value("open_cases") == 230 and place.value("level") is not None)
        wait_for(lambda: place.get("/warnings").json()["active"] == 1)
        yield place


def case(event_id: str, code: str = WEST, stage: str = "received", **more: Any) -> dict[str, Any]:
    """An event of two minutes ago."""
    at = (NOW - timedelta(minutes=2)).isoformat()
    return {"id": event_id, "time": at, "category": "c", "channel": "hotline", "stage": stage, "stage_time": at,
            "division": code, "demo": True, **more}
