"""A real server of the demo county for browser tests: own state, own port, and its parts to be killed one by one."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
NOW = "2026-11-20T10:00"


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def until(ask: Callable[[], Any], wait_s: float, what: str) -> Any:
    """The first true answer, or a failure that says what never came."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {wait_s:g} s")


class Served:
    """`serve` with a history of none; `start` returns when every part is up and the figures are there."""

    def __init__(self, folder: Path, scenario: str = "quiet", now: str = NOW) -> None:
        self.folder, self.scenario, self.now = folder, scenario, now
        self.port, self.secret = free_port(), secrets.token_urlsafe(16)
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=10.0)
        self.process: subprocess.Popen[bytes] | None = None
        self.ready_s = 0.0

    @property
    def environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("YIPING_")}
        return plain | {"YIPING_STATE": str(self.folder), "YIPING_PORT": str(self.port), "YIPING_HISTORY": "none",
                        "YIPING_TOKEN_EVENTS": self.secret, "YIPING_SCENARIO": self.scenario, "YIPING_NOW": self.now,
                        "PYTHONUTF8": "1"}

    def start(self) -> Served:
        began = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "serve.log").open("wb") as log:
            self.process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "serve"], env=self.environment,
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        until(self.filled, 180, f"a running county ({self.folder / 'serve.log'})")
        self.ready_s = time.monotonic() - began
        return self

    def stop(self) -> None:
        self.http.close()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def get(self, path: str, **query: str) -> Any:
        """The JSON of an address, {} while nobody answers."""
        try:
            return self.http.get(path, params=query).json()
        except (httpx.HTTPError, ValueError):
            return {}

    def whole(self) -> bool:
        """Every part runs and figures can be answered."""
        assert self.process is None or self.process.poll() is None, (self.folder / "serve.log").read_text()[-2000:]
        return bool(self.get("/readyz").get("ready"))

    def filled(self) -> bool:
        """The simulator has sent the county's opening: no feed is unknown any more."""
        feeds = self.get("/api/v1/feeds").get("feeds", []) if self.whole() else []
        return bool(feeds) and all(feed["freshness"] != "unknown" for feed in feeds)

    def pid(self, part: str) -> int:
        return int(json.loads((self.folder / "parts.json").read_bytes())[part]["pid"])

    def kill(self, part: str) -> None:
        os.kill(self.pid(part), signal.SIGKILL)

    def hold(self, part: str, still: bool) -> None:
        """Stops a part in its tracks, or lets it go on."""
        os.kill(self.pid(part), signal.SIGSTOP if still else signal.SIGCONT)

    def push(self, *records: dict[str, Any]) -> dict[str, Any]:
        """Events through the push door, as a department's system sends them."""
        answer = self.http.post("/api/v1/feeds/events/records", json=list(records),
                                headers={"authorization": f"Bearer {self.secret}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def clock(self) -> str:
        """The county's own time, as its records carry it."""
        return str(self.get("/readyz")["now"])


def event(key: str, at: str, division: str, **more: Any) -> dict[str, Any]:
    """A complaint that has just been received."""
    return {"id": key, "time": at, "category": "fac_drain", "channel": "hotline", "stage": "received", "stage_time": at,
            "division": division, "title": f"测试事件 {key}"} | more
