"""The collector as a process: its door over the unix socket, its answers to bad bodies, and its end."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from own_redis import ROOT, TINY_PACK, wait_for
from unix_http import ask

from data.history import HistoryReader
from data.quarantine_view import Chosen, QuarantineView
from data.settings import load_settings

pytestmark = pytest.mark.integration


def gauge(name: str = "g1") -> dict[str, Any]:
    return {"id": name, "layer": "gauge", "name": "站", "lon": 100.15, "lat": 30.05}


def test_the_process_its_door_and_its_end(tmp_path: Path, redis_url: str) -> None:
    settings = load_settings(place=TINY_PACK, state=tmp_path / "s", redis_url=redis_url)
    environment = {**os.environ, "YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(settings.state_dir),
                   "YIPING_REDIS_URL": settings.redis_url}
    process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], env=environment,
                               stderr=subprocess.PIPE)
    socket = settings.state_dir / "collector.sock"
    try:
        wait_for(lambda: _up(socket))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        _door_answers(socket)
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=5)
    assert process.returncode == 0, errors.decode()
    assert not socket.exists()
    assert len(HistoryReader(settings.state_dir / "history").current_assets()) == 4
    raws = [item["raw"] for item in QuarantineView(settings.state_dir / "quarantine").rows(Chosen())]
    assert any(raw.startswith("<html>") for raw in raws)


def _up(socket: Path) -> bool:
    try:
        return ask(socket, "/health")[0] == 200
    except OSError:
        return False


def _door_answers(socket: Path) -> None:
    accepted = {"accepted": 1, "duplicate": 0, "rejected": []}
    assert ask(socket, "/push/stations", [gauge()]) == (200, accepted)
    assert ask(socket, "/push/stations", b"\xef\xbb\xbf" + orjson.dumps([gauge("bom")])) == (200, accepted)
    lines = b"\n".join([orjson.dumps(gauge("n1")), b"", b"{torn", orjson.dumps(5), orjson.dumps(gauge("n2"))])
    status, verdict = ask(socket, "/push/stations", lines, kind="application/x-ndjson")
    assert (status, verdict["accepted"]) == (200, 2)
    assert [item["index"] for item in verdict["rejected"]] == [1, 2]
    for body, code, words in (
            (b"<html>login</html>", 400, "网页"), (b'[{"id": "x"', 400, "不完整"), (b"", 400, "空"),
            (b"{}", 400, "数组"),
            ("[\"于都\"]".encode("gb18030"), 400, "UTF-8"), (b"[" * 100_000, 400, "JSON"), (b"[NaN]", 400, "JSON"),
            (b"[" + b"0," * 10_000 + b"0]", 413, "10000 条"), (b" " * 10_000_001, 413, "10 MB")):
        status, problem = ask(socket, "/push/stations", body or b" ")
        assert (status, words in problem["detail"]) == (code, True), (body[:20], problem)
    assert ask(socket, "/push/nothing", [])[0] == 404
    assert ask(socket, "/bulk", b"[]")[0] == 400
    assert ask(socket, "/bulk", {"kind": "asset", "feed": "stations", "paths": ["/etc/passwd"]})[0] == 400
    health = ask(socket, "/health")[1]
    assert health["parts"] == {"spool": "", "redis": "", "history": ""}
    assert health["feeds"]["stations"]["accepted"] == 4
    assert health["assets"] == 4
