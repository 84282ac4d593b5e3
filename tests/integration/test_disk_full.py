"""A disk that fills up for real: refused before the acknowledgement, then all goes on with nothing lost or doubled."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from own_redis import ROOT, TINY_PACK, RedisServer, wait_for
from test_collector_kill import BATCH, STATIONS, _carried, gauge_batches, stored
from unix_http import _Connection

from data import statefolder
from data.clock import Clock
from data.live import Live
from data.pack import load_pack
from data.state import READ_ONLY, State

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(folder)], check=False,
                      capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("a disk of its own needs the right to mount")
        pytest.skip("a disk of its own needs the right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Writes until nothing fits any more."""
    path = disk / "fill"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 65536):
                pass
        except OSError as error:
            full = error.errno == errno.ENOSPC
    assert full
    return path


def push(socket: Path, feed: str, records: list[dict[str, Any]]) -> tuple[int, Any, str]:
    """(status, body, Retry-After)."""
    line = _Connection(socket, 10)
    try:
        line.request("POST", f"/push/{feed}", orjson.dumps(records), {"Content-Type": "application/json"})
        answer = line.getresponse()
        return answer.status, orjson.loads(answer.read()), answer.headers.get("Retry-After", "")
    finally:
        line.close()


class Sender(threading.Thread):
    """Sends batch after batch, each until it is acknowledged; notes every refusal."""

    def __init__(self, socket: Path, batches: Iterator[list[dict[str, Any]]]) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[dict[str, Any]] = []
        self.refusals: list[tuple[int, str, str]] = []
        self.ends = threading.Event()
        self._socket, self._batches = socket, batches

    def run(self) -> None:
        for batch in self._batches:
            while True:
                status, body, wait = push(self._socket, "gauges", batch)
                if status == 200:
                    self.acknowledged += batch
                    break
                self.refusals.append((status, body["detail"], wait))
                if self.ends.wait(0.05):
                    return
            if self.ends.wait(0.02):
                return


def test_a_full_disk_refuses_before_the_acknowledgement_and_goes_on_by_itself(disk: Path) -> None:
    redis = RedisServer(disk / "redis")
    redis.start()
    state_dir = disk / "s"
    told = {**os.environ, "YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(state_dir), "YIPING_REDIS_URL": redis.url}
    socket = state_dir / "collector.sock"
    collector = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], env=told)
    try:
        wait_for(lambda: health(socket), 60)
        assert push(socket, "stations", STATIONS)[0] == 200
        sender = Sender(socket, gauge_batches(int(time.time()) - 600))
        sender.start()
        wait_for(lambda: len(sender.acknowledged) > 5 * BATCH, 30)
        hog = fill(disk)
        wait_for(lambda: len(sender.refusals) > 20, 30)
        held = len(sender.acknowledged)
        status, detail, wait = sender.refusals[-1]
        assert (status, wait) == (503, "10")
        assert detail.startswith(f"磁盘将满：状态目录 {state_dir} 只剩 0 MB，暂不接收新数据；请腾出")
        assert health(socket)["parts"]["spool"] == detail
        wait_for(lambda: len(sender.refusals) > 120, 30)
        assert len(sender.acknowledged) == held
        hog.unlink()
        wait_for(lambda: len(sender.acknowledged) > held + 5 * BATCH, 30)
        sender.ends.set()
        sender.join(20)
        wait_for(lambda: _carried(socket), 30)
        assert health(socket)["parts"] == {"spool": "", "redis": "", "history": ""}
        assert collector.poll() is None
        collector.terminate()
        assert collector.wait(20) == 0
        whole(state_dir, redis.url, sender.acknowledged)
    finally:
        collector.terminate()
        collector.wait(20)
        redis.stop()


def health(socket: Path) -> Any:
    line = _Connection(socket, 10)
    try:
        line.request("GET", "/health")
        return orjson.loads(line.getresponse().read())
    except (OSError, HTTPException):
        return {}
    finally:
        line.close()


def whole(state_dir: Path, redis_url: str, acknowledged: list[dict[str, Any]]) -> None:
    """The history holds what was acknowledged, each once, and Redis was told of each number once."""
    rows = stored(state_dir / "history", "observation")
    sent = Counter((r["station"], r["time"], r["value"]) for r in acknowledged)
    assert Counter((r["station"], r["time"], r["value"]) for r in rows) == sent
    state, published = State(redis_url, "yp:990101000000:"), []
    while batches := state.tail(published[-1] if published else 0):
        published += [row["seq"] for batch in batches for row in batch.rows]
    state.close()
    assert len(published) == len(set(published)) == len(rows) + BATCH


def test_a_restart_on_a_full_disk_works_and_refuses(disk: Path) -> None:
    (disk / "fill").write_bytes(b"\0" * 150_000_000)
    told = {**os.environ, "YIPING_PLACE": str(TINY_PACK), "YIPING_STATE": str(disk / "s")}
    redis = RedisServer(disk.parent / "redis")
    redis.start()
    collector = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"],
                                 env=told | {"YIPING_REDIS_URL": redis.url, "YIPING_CACHE_URL": redis.url})
    try:
        wait_for(lambda: health(disk / "s" / "collector.sock"), 60)
        assert push(disk / "s" / "collector.sock", "stations", STATIONS)[0] == 503
        (disk / "fill").unlink()
        assert push(disk / "s" / "collector.sock", "stations", STATIONS)[0] == 200
    finally:
        collector.terminate()
        collector.wait(20)
        redis.stop()


def test_a_transaction_that_a_full_redis_refuses_is_waited_out(disk: Path) -> None:
    redis = RedisServer(disk / "redis")
    redis.start()
    state = State(redis.url, "t:")
    try:
        hog = fill(disk)
        wait_for(lambda: refuses(state), 30)
        hog.unlink()
        wait_for(lambda: not refuses(state), 30)
    finally:
        state.close()
        redis.stop()


_numbers = iter(range(1, 1_000_000))


def refuses(state: State) -> bool:
    """True when a batch is refused as read-only; anything but that sentence fails."""
    from data.batches import Batch
    from data.errors import Unavailable

    number = next(_numbers)
    row = {"seq": number, "prev": 0, "received": 1, "feed": "f", "code": "", "demo": False, "station": "a",
           "metric": "m", "time": number, "value": 1.0, "pad": "x" * 5000}
    try:
        state.publish(Batch(number, number, "f", "observation", 1, [row]))
    except Unavailable as error:
        said = str(error)
    else:
        return False
    assert said == READ_ONLY
    return True


def test_the_page_is_told_of_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    free = [usage.free]
    monkeypatch.setattr(statefolder.shutil, "disk_usage", lambda _path: SimpleNamespace(free=free[0]))
    live = Live(load_pack(TINY_PACK), None, None, Clock(), tmp_path)
    told: list[str] = []
    live.listen(lambda _seq, _feeds: told.append(live.trouble))
    live._look()
    free[0] = 10_000_000
    live._look()
    assert "只剩 10 MB，暂不接收新数据；请腾出 64 MB 以上" in told[-1]
    free[0] = 500_000_000
    live._look()
    assert "磁盘" not in told[-1]
