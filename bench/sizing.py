"""`python -m bench.sizing`: what a row costs in each part, and from that what a county, a city, a province need."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import redis

from bench.endurance import commit, save
from bench.endured import running
from bench.load import ingest
from bench.place import Place, until
from bench.report import machine
from bench.scene import Scene

PARTS = ("collector", "web", "redis-state")
SECONDS = 40.0
SETTLE_S = 15.0


def main() -> int:
    """0 = measured."""
    with tempfile.TemporaryDirectory(prefix="yiping-sizing-", ignore_cleanup_errors=True) as folder, \
            running(Path(folder)) as place:
        found = measured(place)
    body = {"form": "sizing", "commit": commit(), "machine": machine(), **found}
    print(json.dumps(body, ensure_ascii=False, indent=1))
    print(save("sizing", body))
    return 0


def measured(place: Place) -> dict[str, Any]:
    """Bytes and processor seconds per row; one sender's ingest before, so that what is made once is there."""
    scene = Scene(place, None, "", True)
    ingest(scene, seconds=5)
    before, first = _taken(place), _rows(place)
    began = time.monotonic()
    ingest(scene, seconds=SECONDS)
    took = time.monotonic() - began
    rows = _rows(place) - first
    until(lambda: _committed(place), 60, "没有写入历史")
    time.sleep(SETTLE_S)
    after = _taken(place)
    per_row = {name: round((after[name] - before[name]) / rows, 7 if name.endswith("_s") else 1) for name in before}
    return {"rows": rows, "seconds": round(took, 1), "rows_per_s": round(rows / took), "per_row": per_row,
            "before": before, "after": after}


def _taken(place: Place) -> dict[str, float]:
    """Bytes on disk, in Redis and in memory, and processor seconds, by part."""
    with redis.Redis(unix_socket_path=str(place.state / "redis-state.sock")) as client:
        found = {"redis_bytes": float(client.info("memory")["used_memory"])}
    for name in ("spool", "history"):
        found[f"{name}_bytes"] = float(sum(path.stat().st_size for path in (place.state / name).rglob("*.*")))
    for part in PARTS:
        process = psutil.Process(place.pid(part))
        times = process.cpu_times()
        found[f"{part}_cpu_s"] = times.user + times.system
        found[f"{part}_rss_bytes"] = float(process.memory_info().rss)
    return found


def _rows(place: Place) -> int:
    return sum(int(line.split()[-1]) for line in place.client.get("/metrics").text.splitlines()
               if line.startswith("yiping_feed_accepted{"))


def _committed(place: Place) -> bool:
    manifest = json.loads((place.state / "history" / "manifest.json").read_bytes())
    return bool(manifest["checkpoint"] >= place.client.get("/readyz").json()["seq"] - 1000)


if __name__ == "__main__":
    sys.exit(main())
