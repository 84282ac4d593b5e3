"""The running place under measure, started as its users start it: one command, own state folder, own port."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from data.pack import Pack, load_pack
from data.settings import ROOT

FIGURE = 'class="fig'


class NotThere(RuntimeError):
    """The place did not do what it must in its time."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


class Place:
    """One server: `url`, `pid(part)`, and the doors that measures use."""

    def __init__(self, state: Path, history: str, place: Path) -> None:
        self.state, self.history, self.port = state, history, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.pack: Pack = load_pack(place)
        self.token = secrets.token_urlsafe(16)
        self.client = self._client()
        self._path = place
        self._process: subprocess.Popen[bytes] | None = None

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)

    def environment(self) -> dict[str, str]:
        """What its commands are told; the caller's own settings do not matter."""
        told = {name: value for name, value in os.environ.items() if not name.startswith("YIPING_")}
        told |= {"YIPING_STATE": str(self.state), "YIPING_PORT": str(self.port), "YIPING_PLACE": str(self._path),
                 "YIPING_HISTORY": self.history}
        return told | {f"YIPING_TOKEN_{feed.upper()}": self.token for feed in self.pack.feeds}

    def start(self, patience_s: float = 120.0) -> float:
        """Seconds from the command until `/` answers with figures. Raises NotThere."""
        if self.client.is_closed:
            self.client = self._client()
        began = time.monotonic()
        with (self.state.parent / f"{self.state.name}.log").open("ab") as log:
            self._process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "serve"], env=self.environment(),
                                             stdout=log, stderr=log, start_new_session=True)
        until(lambda: FIGURE in self.client.get("/").text, patience_s, "首页没有出现数字")
        return time.monotonic() - began

    def stop(self) -> None:
        """Ends it and all its parts."""
        self.client.close()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def settled(self, patience_s: float) -> bool:
        """Waits until the older past has been imported; False when that takes longer."""
        def done() -> bool:
            file = self.state / "history_progress.json"
            if self.history == "none":
                return True
            told = json.loads(file.read_text(encoding="utf-8"))
            return bool(told["total"]) and told["done"] >= told["total"]

        try:
            until(done, patience_s, "历史没有导完")
        except NotThere:
            return False
        return True

    def pid(self, part: str) -> int:
        """Process of a part that runs, awaited: one that has yet to start says 0, which to a signal means all of us."""
        def running() -> int:
            found = json.loads((self.state / "parts.json").read_text(encoding="utf-8"))
            return int(found[part]["pid"])

        until(lambda: running() > 0, 60, f"{part} 没有启动")
        return running()

    @contextmanager
    def still(self) -> Iterator[None]:
        """While inside, the simulator makes no records: only what a measure pushes comes in."""
        pid = self.pid("simulator")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def headers(self) -> dict[str, str]:
        """What a sender's request carries."""
        return {"authorization": f"Bearer {self.token}", "content-type": "application/json"}

    def push(self, feed: str, records: list[dict[str, Any]]) -> None:
        """Sends records by the real door. Raises NotThere unless all are accepted."""
        reply = self.client.post(f"/api/v1/feeds/{feed}/records", json=records, headers=self.headers())
        if reply.status_code != 200 or reply.json()["accepted"] != len(records):
            raise NotThere(f"推送 {feed} 没有被接收：{reply.status_code} {reply.text[:200]}")

    def counter(self, name: str) -> float:
        """A number of `/metrics`."""
        lines = self.client.get("/metrics").text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(name + " "))

    def now_us(self) -> int:
        """The place's clock: this machine's, as no offset is set."""
        return time.time_ns() // 1000

    def townships(self) -> list[str]:
        """Codes one level below the place."""
        divisions = self.pack.divisions
        return [child.code for child in divisions.children(divisions.root.code)]

    def event(self, division: str) -> dict[str, Any]:
        """A fresh event that counts as open."""
        stamp = self.now_us()
        category, channel = next(iter(self.pack.categories)), next(iter(self.pack.channels))
        return {"id": f"bench-{secrets.token_hex(8)}", "time": stamp, "category": category, "channel": channel,
                "stage": "received", "stage_time": stamp, "division": division, "title": "性能测量", "demo": True}


def until(true: Any, patience_s: float, sentence: str) -> None:
    """Waits for a condition; what cannot be reached yet counts as not true. Raises NotThere."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except (httpx.HTTPError, OSError, ValueError, LookupError):
            pass
        time.sleep(0.05)
    raise NotThere(f"{sentence}（等了 {patience_s:.0f} 秒）")
