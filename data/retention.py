"""How long history is kept: whole months of a feed go when its class says so; what is still open never does."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis

from data.audit import AuditFile
from data.clock import Clock, from_us, to_us
from data.errors import YipingError
from data.event_facts import KEY, ended_ids
from data.health import seconds
from data.history import Writer
from data.history_rework import Rework
from data.manifest import FileEntry, month_bounds
from data.pack import FOREVER, Pack

log = logging.getLogger("yiping.keeping")
COLLECTOR = "采集器"


@dataclass(frozen=True)
class Going:
    """Rows of a feed and month (UTC) that have had their time. keep: the feed's class."""

    feed: str
    kind: str
    partition: str
    rows: int
    keep: str


class Retention:
    """The classes of a pack at an instant; `plan` and `apply` work on a `Rework`."""

    def __init__(self, pack: Pack, now_us: int) -> None:
        self._keep = {name: feed.keep for name, feed in pack.feeds.items() if feed.keep not in ("", FOREVER)}
        self._until = {name: _month_start(now_us - round(seconds(keep) * 1e6)) for name, keep in self._keep.items()}

    def plan(self, desk: Rework) -> list[Going]:
        """What would go, by feed and month."""
        found = []
        for kind, partition in self._old(desk):
            rows = self._rows(desk, kind, partition)
            counted = rows.group_by("feed").agg(n=rows.count()).to_pyarrow().to_pylist()
            found += [Going(row["feed"], kind, partition, row["n"], self._keep[row["feed"]]) for row in counted]
        return sorted(found, key=lambda one: (one.feed, one.partition))

    def apply(self, desk: Rework, plan: Sequence[Going]) -> None:
        """Lets a plan's rows go: files that hold nothing else as a whole, others are written anew without them."""
        for kind, partition in sorted({(one.kind, one.partition) for one in plan}):
            files = self._files(desk, kind, partition)
            going = self._rows(desk, kind, partition)
            desk.gone += files
            if sum(entry.rows for entry in files) > sum(one.rows for one in plan
                                                        if (one.kind, one.partition) == (kind, partition)):
                desk.write(kind, partition, desk.rows(files).anti_join(going.select("seq"), "seq"))

    def _old(self, desk: Rework) -> list[tuple[str, str]]:
        """(kind, month) in which some feed's time is over, from the manifest alone."""
        return sorted({(entry.kind, entry.partition) for entry in desk.manifest.files
                       if self._expired(entry.kind, entry.partition, entry.feeds)})

    def _expired(self, kind: str, partition: str, feeds: Sequence[str]) -> list[str]:
        if kind not in ("observation", "event"):
            return []
        end_us = month_bounds(partition)[1]
        return [feed for feed in feeds if feed in self._until and end_us <= self._until[feed]]

    def _files(self, desk: Rework, kind: str, partition: str) -> list[FileEntry]:
        return [entry for entry in desk.files(kind, partition) if self._expired(kind, partition, entry.feeds)]

    def _rows(self, desk: Rework, kind: str, partition: str) -> ibis.Table:
        """Rows of a month that have had their time: seq and feed."""
        files = self._files(desk, kind, partition)
        feeds = sorted({feed for entry in files for feed in self._expired(kind, partition, entry.feeds)})
        rows = desk.rows(files)
        if kind != "event":
            return rows.filter(rows.feed.isin(feeds)).select("seq", "feed")
        parts = [rows.filter(rows.feed == feed).semi_join(self._ended(desk, feed), KEY).select("seq", "feed")
                 for feed in feeds]
        return ibis.union(*parts) if len(parts) > 1 else parts[0]

    def _ended(self, desk: Rework, feed: str) -> ibis.Table:
        """Events that are over and have not changed since: they go as a whole, all others stay as a whole."""
        files = [entry for entry in desk.manifest.files if entry.kind == "event" and feed in entry.feeds]
        rows = desk.rows(files)
        return ended_ids(rows.filter(rows.feed == feed), self._until[feed])


def _month_start(micros: int) -> int:
    at = from_us(micros).astimezone(UTC)
    return to_us(at.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


class Keeper:
    """Carries the classes out, once a day and when asked; every deed is in the audit before it is done."""

    def __init__(self, pack: Pack, folder: Path, clock: Clock) -> None:
        self._pack, self._clock = pack, clock
        self._audit = AuditFile(folder / "audit" / "keeping.jsonl", clock)
        self._day = ""

    def daily(self, writer: Writer) -> None:
        """Once a local day; what goes wrong is logged and tried again the next day."""
        day = self._clock.now().astimezone(ZoneInfo(self._pack.place.timezone)).date().isoformat()
        if day == self._day:
            return
        self._day = day
        try:
            self.carry_out(writer, COLLECTOR)
        except YipingError as error:
            log.error("retention not carried out: %s", error)

    def carry_out(self, writer: Writer, who: str, dry: bool = False) -> list[dict[str, Any]]:
        """What went (or, `dry`, would go), a row a feed and month.

        Raises:
            Unavailable: the history or the audit refuses.
        """
        retention, plan = Retention(self._pack, self._clock.now_us()), list[Going]()

        def work(desk: Rework) -> None:
            plan.extend(retention.plan(desk))
            if plan and not dry:
                self._audit.note(who, "history retain", rows=sum(one.rows for one in plan), plan=_told(plan))
                retention.apply(desk, plan)

        writer.rework(work)
        if plan and not dry:
            self._audit.note(who, "history retain 完成", rows=sum(one.rows for one in plan))
        return [asdict(one) for one in plan]


def _told(plan: Sequence[Going]) -> list[str]:
    return [f"{one.feed} {one.partition} {one.rows}" for one in plan]
