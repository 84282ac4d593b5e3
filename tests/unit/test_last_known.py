"""Tables kept on disk come back as they were, or not at all; they never hide what history has more than they."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_memory_tables import BATCHES, NOW, TINY, case, facts, reading, row

from data.batches import Batch
from data.clock import Clock, to_us
from data.errors import Unavailable
from data.history import HistoryReader, HistoryWriter
from data.last_known import FORMAT, LastKnown, shot_of
from data.live import Live
from data.manifest import NAME, Load, read_manifest, write_manifest
from data.pack import Pack, load_pack
from data.state import State
from data.tables import MemoryTables

PACK = load_pack(TINY)
STAMP = to_us(NOW)
SMALL = (
    Batch(7, 8, "stations", "asset", STAMP, [
        row("asset", "stations", number, {"id": name, "layer": "gauge", "name": name, "properties": {"limit": number},
                                          "geometry": {"type": "Point", "coordinates": [100.05, 30.05]}})
        for number, name in ((7, "g1"), (8, "g2"))]),
    Batch(9, 10, "warnings", "warning", STAMP, [
        row("warning", "warnings", number, {"id": f"w{number}", "kind": "rain", "level": "red", "sent": NOW.isoformat(),
                                            "expires": "2026-11-21T00:00:00Z", "divisions": ["990101000000"],
                                            "references": ["w9"] if number == 10 else []}) for number in (9, 10)]),
    Batch(11, 11, "figures", "indicator", STAMP, [
        row("indicator", "figures", 11, {"indicator": "gdp", "division": "990101000000", "period": "2026Q3",
                                         "basis": "cumulative", "value": 5.5})]))


class Tail:
    """Redis' tail as a list; `away` = Redis does not answer."""

    def __init__(self, *batches: Batch, away: bool = False) -> None:
        self.batches, self.away = list(batches), away

    def tail(self, after: int, block_ms: int = 0) -> list[Batch]:
        if self.away:
            raise Unavailable("away")
        return [batch for batch in self.batches if batch.seq1 > after]

    def health(self) -> dict[str, Any]:
        return {}


class At(Clock):
    def now_us(self) -> int:
        return STAMP


class Place:
    """A state folder with a history, and web processes on it that are started by hand."""

    def __init__(self, folder: Path, *batches: Batch) -> None:
        self.folder, self.history = folder, folder / "history"
        self.writer = HistoryWriter(self.history)
        self.commit(*batches)

    def commit(self, *batches: Batch) -> None:
        for batch in batches:
            self.writer.append(batch)
        self.writer.commit()

    def live(self, state: Tail, pack: Pack = PACK) -> Live:
        """Started, without its threads."""
        found = Live(pack, state, HistoryReader(self.history), At(), self.folder)  # type: ignore[arg-type]
        if not found._resume():
            found._rebuild()
        found._look()
        return found

    def keep(self, state: Tail) -> Live:
        found = self.live(state)
        found._turn()
        assert found._known.keep(found._shot())
        os.utime(self.file, (1, 1))
        return found

    @property
    def file(self) -> Path:
        return self.folder / "known" / "tables"

    def damage_history(self) -> None:
        (self.history / NAME).write_bytes(b"{")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, *BATCHES)


def everything(tables: MemoryTables) -> dict[str, Any]:
    return {**facts(tables), **tables.standing(), "assets": tables.assets.rows, "warnings": tables.warnings.rows,
            "texts": tables.events.texts, "ids": tables.events.ids, "words": tables.events.vocabularies(),
            "indicators": tables.indicators.current(), "layers": tables.assets.layers,
            "columns": str(tables.events.columns.frame().to_pydict()),
            "heard": tables.observations["gauges"].last_heard()}


def test_what_is_kept_comes_back_whole(tmp_path: Path, place: Place) -> None:
    tables = MemoryTables(PACK, HistoryReader(place.history))
    tables.load(STAMP)
    for batch in SMALL:
        tables.apply(batch)
    known = LastKnown(PACK, HistoryReader(place.history), tmp_path)
    assert known.keep(shot_of(tables, bulk=0, heard=5, publish=1, checkpoint=6))
    found = LastKnown(PACK, HistoryReader(place.history), tmp_path).take()
    assert found is not None
    back, head = found
    assert everything(back) == everything(tables)
    assert len(everything(back)["warnings"]) == 2
    assert (head["heard"], head["bulk"]) == (5, 0)


def test_tables_that_came_back_take_later_rows_as_the_others_do(place: Place) -> None:
    first = place.keep(Tail(*BATCHES))
    second = place.live(Tail(away=True))
    assert second.served_from == "disk"
    later = [Batch(12, 12, "gauges", "observation", STAMP, [reading(12, 7.0, 10, prev=3)]),
             Batch(13, 13, "gauges", "observation", STAMP, [reading(13, 8.0, 1)]),
             Batch(14, 14, "cases", "event", STAMP, [case(14, "closed", 1)])]
    for live in (first, second):
        assert all(live.tables.apply(batch) for batch in later)
    assert everything(first.tables) == everything(second.tables)
    assert facts(second.tables)["last"] == [8.0]


def test_the_rungs_in_their_order(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    live = place.keep(Tail(*BATCHES))
    assert (live.served_from, live.trouble) == ("live", "采集中断，新数据暂未进入")
    live._state.away = True  # type: ignore[attr-defined]
    live._stop.wait = lambda _s: live._stop.set()  # type: ignore[assignment,method-assign,return-value]
    live._run()
    assert live.served_from == "memory"
    assert live.trouble.startswith("状态库中断，画面为最后已知数据；")
    # A new process: the disk, with history or without.
    assert place.live(Tail(away=True)).served_from == "disk"
    place.damage_history()
    found = place.live(Tail(away=True))
    assert (found.served_from, facts(found.tables)) == ("disk", facts(live.tables))
    assert "历史读不出" in found.trouble
    # Nothing on disk: history; without that, it is said that there is nothing.
    place.file.unlink()
    nothing = place.live(Tail(away=True))
    assert (nothing.served_from, nothing.tables.loaded) == ("none", False)
    assert nothing.trouble.startswith("状态库中断，启动以来没有数据；")
    place.writer._show(lambda: ())
    assert place.live(Tail(away=True)).served_from == "history"


def test_the_age_of_what_is_shown_is_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.keep(Tail(*BATCHES))
    monkeypatch.setattr(At, "now_us", lambda _: STAMP + 25 * 60_000_000)
    assert place.live(Tail(away=True)).trouble.startswith("状态库中断，画面为最后已知数据（25 分钟前）")
    monkeypatch.setattr(At, "now_us", lambda _: STAMP - 3_600_000_000)
    assert place.live(Tail(away=True)).trouble.startswith("状态库中断，画面为最后已知数据；")


NEWER = Batch(12, 12, "gauges", "observation", STAMP, [reading(12, 7.0, 2)])


@pytest.mark.parametrize(("tail", "served"), [
    (Tail(*BATCHES, NEWER), "disk"), (Tail(away=True), "history"), (Tail(), "history")])
def test_what_came_since_is_shown_from_the_tail_or_from_history(place: Place, tail: Tail, served: str) -> None:
    place.keep(Tail(*BATCHES))
    newer = replace(NEWER, seq0=7, seq1=7, rows=[reading(7, 7.0, 2)])
    place.commit(newer)
    tail.batches = [replace(batch, seq0=7, seq1=7, rows=newer.rows) if batch is NEWER else batch
                    for batch in tail.batches]
    found = place.live(tail)
    assert (found.served_from, found.tables.seq, facts(found.tables)["last"]) == (served, 7, [7.0])


def test_a_tail_with_a_gap_is_not_followed_from_the_disk(place: Place) -> None:
    place.keep(Tail(*BATCHES))
    first, second = (Batch(n, n, "gauges", "observation", STAMP, [reading(n, 7.0, 10 - n)]) for n in (7, 8))
    place.commit(first, second)
    found = place.live(Tail(second))
    assert (found.served_from, found.tables.seq, facts(found.tables)["total"]) == ("history", 8, [25.0])


def test_an_empty_tail_behind_history_is_read_again(place: Place) -> None:
    live = place.keep(Tail(*BATCHES))
    live._state.batches = []  # type: ignore[attr-defined]
    place.commit(Batch(7, 7, "gauges", "observation", STAMP, [reading(7, 7.0, 2)]))
    for _ in range(5):
        live._turn()
    assert (live.tables.seq, live.served_from) == (7, "live")


@pytest.mark.parametrize(("day", "generations"), [(STAMP // 86_400_000_000, 1), (STAMP // 86_400_000_000 - 30, 0)])
def test_an_import_that_memory_must_hold_is_read_from_history(place: Place, day: int, generations: int) -> None:
    place.keep(Tail(*BATCHES))
    manifest = read_manifest(place.history)
    write_manifest(place.history, replace(manifest, version=manifest.version + 1, bulk=1,
                                          loads=(Load("observation", "gauges", day, 90),)))
    found = place.live(Tail(away=True))
    assert found.generation == generations
    assert found.served_from == ("history" if generations else "disk")
    assert generations or found.tables.versions["gauges"] == 90


def test_a_history_put_back_from_a_backup_is_believed(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    old = (place.history / NAME).read_bytes()
    place.commit(Batch(7, 7, "gauges", "observation", STAMP, [reading(7, 7.0, 2)]))
    live = place.live(Tail(*BATCHES))
    live._turn()
    assert live._known.keep(live._shot())
    (place.history / NAME).write_bytes(old)
    found = place.live(Tail(away=True))
    assert (found.served_from, found.tables.seq) == ("history", 6)
    assert "历史比它更旧" in caplog.text


def broken(path: Path, how: str) -> None:
    body = bytearray(path.read_bytes())
    if how == "cut":
        body = body[: len(body) // 2]
    elif how == "empty":
        body = bytearray()
    else:
        body[{"first": 40, "middle": len(body) // 2, "index": len(body) - 60}[how]] ^= 0xFF
    path.write_bytes(body)


@pytest.mark.parametrize("how", ["cut", "empty", "first", "middle", "index"])
def test_a_damaged_file_is_left_alone_with_one_line(place: Place, how: str, caplog: pytest.LogCaptureFixture) -> None:
    place.keep(Tail(*BATCHES))
    broken(place.file, how)
    with caplog.at_level(logging.WARNING):
        found = place.live(Tail(away=True))
    assert (found.served_from, found.tables.seq) == ("history", 6)
    assert [line for line in caplog.messages if "不采用" in line] == caplog.messages


def test_another_version_or_pack_is_left_alone(place: Place, monkeypatch: pytest.MonkeyPatch,
                                               caplog: pytest.LogCaptureFixture) -> None:
    place.keep(Tail(*BATCHES))
    feeds = {key: feed for key, feed in PACK.feeds.items() if key != "gauges"}
    assert place.live(Tail(away=True), replace(PACK, feeds=feeds)).served_from == "history"
    monkeypatch.setattr("data.last_known.FORMAT", FORMAT + 1)
    assert place.live(Tail(away=True)).served_from == "history"
    assert len([line for line in caplog.messages if "另一版本" in line]) == 2


def test_nothing_is_written_without_news_or_room_or_by_two_at_once(place: Place,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    live = place.keep(Tail(*BATCHES))
    assert not live._known.keep(live._shot())
    live.tables.apply(replace(NEWER, seq0=7, seq1=7, rows=[reading(7, 7.0, 2)]))
    monkeypatch.setattr("data.last_known.MOST_BYTES", 10)
    assert not live._known.keep(live._shot())
    monkeypatch.undo()
    monkeypatch.setattr("data.last_known.shortage", lambda _: "磁盘将满")
    assert not live._known.keep(live._shot())
    monkeypatch.undo()
    with LastKnown(PACK, HistoryReader(place.history), place.folder)._turn() as ours:
        assert ours
        assert not live._known.keep(live._shot())
    assert live._known.keep(live._shot())
    other = place.live(Tail(away=True))
    other.tables.apply(replace(NEWER, seq0=8, seq1=8, rows=[reading(8, 7.0, 2)]))
    assert not other._known.keep(other._shot()), "another process wrote just now"
    assert [path.name for path in sorted(place.file.parent.iterdir())] == ["lock", "tables"]


def test_tables_that_lack_something_are_not_kept(place: Place) -> None:
    live = place.keep(Tail(*BATCHES))
    place.damage_history()
    live._state.batches.append(Batch(30, 30, "gauges", "observation", STAMP, [reading(30, 7.0, 2)]))  # type: ignore[attr-defined]
    live._turn()
    assert (live.served_from, live.tables.seq, live._shot()) == ("memory", 30, None)
    live._look()
    assert live.trouble.endswith("历史读不出，画面可能缺少部分数据；请按日志所指从备份恢复")


def test_a_stop_keeps_and_the_next_start_reads_no_history(tmp_path: Path, place: Place,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(f"unix://{tmp_path}/none.sock", "t:")
    live = Live(PACK, state, HistoryReader(place.history), At(), tmp_path)
    live.start()
    live.stop()
    assert live.served_from == "history"
    monkeypatch.setattr(HistoryReader, "rows", lambda *_: pytest.fail("history was read"))
    again = Live(PACK, state, HistoryReader(place.history), At(), tmp_path)
    again.start()
    again.stop()
    state.close()
    assert (again.served_from, facts(again.tables)) == ("disk", facts(live.tables))
