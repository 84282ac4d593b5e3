"""The drill of R13: a backup under load, everything lost, restored, started; what was acknowledged before is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.endured import SETTLE_S, Found, Scale
from bench.place import Place, until
from data.history import HistoryReader, Span
from data.settings import ROOT

LIMIT_S = 900.0
EVER = Span(0, 1 << 62)


class Sender(threading.Thread):
    """Pushes events one batch after the other; `acknowledged`: their ids, in order."""

    def __init__(self, place: Place) -> None:
        super().__init__(daemon=True)
        self._place = place
        self.acknowledged: list[str] = []
        self.ends = threading.Event()

    def run(self) -> None:
        """Until `ends`."""
        towns = self._place.townships()
        while not self.ends.is_set():
            batch = [self._place.event(town) for town in towns]
            self._place.push("events", batch)
            self.acknowledged += [event["id"] for event in batch]


def drill(folder: Path, scale: Scale) -> Found:
    """Backup while records come, stop, wipe, restore, start: nothing acknowledged is missing, figures are equal."""
    place = Place(folder / "state", "none" if scale.short else "full", ROOT / "places" / "yudu")
    target, took = folder / "backup.tar", {}
    sender = Sender(place)
    try:
        place.start(240)
        until(lambda: place.client.get("/readyz").status_code == 200, 120, "没有就绪")
        settled = place.settled(SETTLE_S)
        sender.start()
        until(lambda: sender.acknowledged and sender.acknowledged[0] in stored(place), 60, "事件没有进历史")
        at, first = datetime.now(UTC).isoformat(), len(sender.acknowledged)
        # Rows reach the history in the order of their numbers: with a later one in, all that came before `at` are.
        until(lambda: sender.acknowledged[first + 100] in stored(place), 60, "事件没有进历史")
        before = figures(place, at)
        due = set(sender.acknowledged)
        took["backup_s"] = command(place, "backup", str(target))
        sender.ends.set()
        sender.join(60)
        place.stop()
        shutil.rmtree(place.state)
        took["restore_s"] = command(place, "restore", str(target))
        took["start_s"] = round(place.start(240), 1)
        until(lambda: place.client.get("/readyz").status_code == 200, 120, "没有再就绪")
        until(lambda: due <= stored(place), 60, f"恢复后缺少 {len(due - stored(place))} 条已确认的记录")
        after = figures(place, at)
        rows = sum(entry.rows for entry in HistoryReader(place.state / "history").manifest().files)
    finally:
        sender.ends.set()
        place.stop()
    different = sorted(name for name, value in before.items() if after[name] != value)
    facts: dict[str, Any] = {**took, "limit_s": LIMIT_S, "rows": rows, "acknowledged": len(due), "figures": len(before),
                             "different": different, "history_in": settled,
                             "backup_mb": round(target.stat().st_size / 1e6, 1)}
    known = sum(value is not None for value in before.values())
    return Found(sum(took.values()) <= LIMIT_S and not different and known > 0 and settled, facts | {"known": known})


def stored(place: Place) -> set[str]:
    """Ids of the events in the history."""
    return set(HistoryReader(place.state / "history").rows("event", EVER, columns=["id"])["id"].to_pylist())


def figures(place: Place, at: str) -> dict[str, Any]:
    """Every metric of the whole place as known at an instant."""
    found = {}
    for name in place.pack.metrics:
        answer = place.client.get(f"/api/v1/metrics/{name}", params={"at": at, "window": "24h"}).raise_for_status()
        found[name] = answer.json()["value"]
    return found


def command(place: Place, *words: str) -> float:
    """Seconds that a `history` command took. Raises RuntimeError with what it said when it failed."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, str(ROOT / "app.py"), "history", *words], env=place.environment(),
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"history {' '.join(words)}: {done.stderr.strip()}")
    return round(time.monotonic() - began, 1)
