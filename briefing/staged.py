"""A server of the demo county in one state, for pictures: own state folder, own port, gone afterwards."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from data.errors import Unavailable
from data.parts import bound
from data.settings import ROOT, Settings

SCENARIOS = ("quiet", "storm", "feed-down")
START_S, STOP_S, SETTLE_S = 180.0, 30.0, 5.0


@contextmanager
def staged(settings: Settings, scenario: str) -> Iterator[Settings]:
    """Starts `serve` with a scenario and gives the settings under which it is reached, once its figures are there.

    Raises:
        Unavailable: it did not come up in time.
    """
    with tempfile.TemporaryDirectory(prefix="yiping-staged-", ignore_cleanup_errors=True) as folder:
        here = settings.model_copy(update={"state": Path(folder) / "state", "port": _free_port(), "host": "127.0.0.1",
                                           "redis_url": "", "cache_url": "", "mode": "demo"})
        told = os.environ | {"YIPING_STATE": str(here.state), "YIPING_PORT": str(here.port), "YIPING_MODE": "demo",
                             "YIPING_HOST": here.host, "YIPING_PLACE": str(here.place_dir), "YIPING_NOW": here.now,
                             "YIPING_REDIS_URL": "", "YIPING_CACHE_URL": ""}
        command = bound([sys.executable, str(ROOT / "app.py"), "serve", "--scenario", scenario, "--history", "none"])
        log = Path(folder) / "serve.log"
        with log.open("wb") as output:
            server = subprocess.Popen(command, env=told, stdin=subprocess.DEVNULL, stdout=output,  # noqa: S603
                                      stderr=output, start_new_session=True)
        try:
            _wait(server, f"http://{here.host}:{here.port}", log)
            yield here
        finally:
            _stop(server)


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], base: str, log: Path) -> None:
    """Until every part runs and no new feed has begun to deliver for some seconds."""
    until, known, since = time.monotonic() + START_S, -1, time.monotonic()
    while time.monotonic() < until and server.poll() is None:
        found = _delivering(base)
        if found != known:
            known, since = found, time.monotonic()
        if known > 0 and time.monotonic() - since > SETTLE_S:
            return
        time.sleep(0.2)
    raise Unavailable(f"演示服务没有启动：{log.read_text(errors='replace').strip()[-200:] or '没有输出'}")


def _delivering(base: str) -> int:
    """How many feeds have delivered; 0 while the server is not whole."""
    try:
        if httpx.get(f"{base}/readyz", timeout=3.0, trust_env=False).status_code != httpx.codes.OK:
            return 0
        feeds = httpx.get(f"{base}/api/v1/feeds", timeout=3.0, trust_env=False).json()["feeds"]
    except (httpx.HTTPError, ValueError, KeyError):
        return 0
    return sum(feed["freshness"] != "unknown" for feed in feeds)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
