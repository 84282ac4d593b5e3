"""All versions of an export in a history that has none, some or others of them."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from data.batches import Batch
from data.errors import WrongInput
from data.exporting import Exporter, Wanted, export_parts
from data.history import HistoryReader, HistoryWriter, Span
from data.records import parse
from data.version_merge import VersionMerge

T0 = 1_795_132_800_000_000
DAY = 86_400_000_000
EVER = Span(0, 2**62)
EVEN = [(1, 99)]


def reading(seq, value, prev=0, *, received=None, station="s1", feed="air", time=T0):
    row = parse("observation", {"station": station, "metric": "pm25", "time": time, "value": value})
    return {**row, "seq": seq, "prev": prev, "received": received or seq, "feed": feed, "code": "c"}


def filled(folder, *rows):
    writer = HistoryWriter(folder)
    for row in rows:
        writer.append(Batch(row["seq"], row["seq"], row["feed"], "observation", row["received"], [row]))
    writer.commit()
    return writer


EVERYTHING = Wanted()


def exported(folder, target, wanted=EVERYTHING):
    target.mkdir()
    return export_parts(Exporter(HistoryReader(folder), folder, target, wanted), lambda _more: None)


def merge(writer, target, parts, offset=0):
    counts = []
    for feed in sorted({part.feed for part in parts}):
        work = VersionMerge("observation", feed, [target / part.path for part in parts if part.feed == feed], offset,
                            [(1 + offset, 99 + offset)])
        writer.rework(work)
        counts.append((work.total, work.accepted))
    return counts


def everything(folder):
    reader = HistoryReader(folder)
    files = reader.manifest().of("observation")
    if not files:
        return []
    rows = [row for entry in files for row in pq.read_table(folder / entry.path).to_pylist()]
    return sorted((row["seq"], row["prev"], row["received"], row["feed"], row["value"]) for row in rows)


def known(folder, at=None):
    rows = HistoryReader(folder).rows("observation", replace(EVER, known_at_us=at)).to_pylist()
    return sorted((row["feed"], row["station"], row["value"]) for row in rows)


ABA = (reading(1, 1.0), reading(2, 2.0, 1), reading(3, 1.0, 2), reading(4, 7.0, station="s2"),
       reading(5, 5.0, feed="other"), reading(6, 5.0, time=T0 - 40 * DAY))


def test_into_an_empty_history_everything_is_as_it_was(tmp_path):
    filled(tmp_path / "a", *ABA)
    parts = exported(tmp_path / "a", tmp_path / "out")
    assert [(part.path, part.rows) for part in parts] == [
        ("observation/2026-10/air.parquet", 1), ("observation/2026-11/air.parquet", 4),
        ("observation/2026-11/other.parquet", 1)]
    writer = HistoryWriter(tmp_path / "b")
    assert merge(writer, tmp_path / "out", parts) == [(5, 5), (1, 1)]
    assert everything(tmp_path / "b") == everything(tmp_path / "a")
    assert [known(tmp_path / "b", at) for at in range(8)] == [known(tmp_path / "a", at) for at in range(8)]
    assert writer.last_seq == 6
    told = HistoryReader(tmp_path / "b").manifest()
    assert [(load.feed, load.seq1) for load in told.loads] == [("air", 6), ("other", 5)]


def test_twice_changes_nothing(tmp_path):
    filled(tmp_path / "a", *ABA)
    parts = exported(tmp_path / "a", tmp_path / "out")
    writer = HistoryWriter(tmp_path / "b")
    merge(writer, tmp_path / "out", parts)
    before = writer.manifest
    assert merge(writer, tmp_path / "out", parts, 100) == [(5, 0), (1, 0)]
    assert writer.manifest.files == before.files


@pytest.mark.parametrize("have", [1, 2, 3])
def test_a_history_that_holds_the_beginning_gets_the_rest_in_order(tmp_path, have):
    filled(tmp_path / "a", *ABA)
    parts = exported(tmp_path / "a", tmp_path / "out")
    writer = filled(tmp_path / "b", *ABA[:have], reading(50, 9.0, feed="third", received=1))
    assert merge(writer, tmp_path / "out", parts, 100)[0] == (5, 5 - have)
    for at in range(8):
        ours = [row for row in known(tmp_path / "b", at) if row[0] != "third"]
        assert ours == known(tmp_path / "a", at)
    assert [row[3] for row in everything(tmp_path / "b")].count("third") == 1


def test_versions_of_both_follow_by_acceptance(tmp_path):
    filled(tmp_path / "a", reading(1, 1.0, received=10), reading(2, 2.0, 1, received=30))
    parts = exported(tmp_path / "a", tmp_path / "out")
    writer = filled(tmp_path / "b", reading(1, 8.0, received=20), reading(2, 9.0, 1, received=40))
    merge(writer, tmp_path / "out", parts, 100)
    values = [[row[2] for row in known(tmp_path / "b", at)] for at in (5, 10, 20, 30, 40)]
    assert values == [[], [1.0], [8.0], [2.0], [9.0]]
    assert len(everything(tmp_path / "b")) == 4
    before = everything(tmp_path / "b")
    assert merge(writer, tmp_path / "out", parts, 200) == [(2, 0)]
    assert everything(tmp_path / "b") == before


def test_a_clock_that_stepped_back_keeps_the_order_of_numbers(tmp_path):
    filled(tmp_path / "a", reading(1, 1.0, received=50))
    parts = exported(tmp_path / "a", tmp_path / "out")
    writer = filled(tmp_path / "b", reading(1, 8.0, received=40), reading(2, 9.0, 1, received=30))
    merge(writer, tmp_path / "out", parts, 100)
    assert [row[2] for row in known(tmp_path / "b")] == [1.0]
    assert [(seq, prev) for seq, prev, *_ in everything(tmp_path / "b")] == [(1, 0), (2, 1), (101, 2)]


def test_only_what_was_wanted(tmp_path):
    filled(tmp_path / "a", *ABA)
    assert len(exported(tmp_path / "a", tmp_path / "none", Wanted(kinds=("event",)))) == 0
    (one,) = exported(tmp_path / "a", tmp_path / "feed", Wanted(feeds=("other",)))
    assert (one.feed, one.rows, one.demo) == ("other", 1, False)
    (early,) = exported(tmp_path / "a", tmp_path / "early", Wanted(end_us=T0))
    assert early.partition == "2026-10"
    parts = exported(tmp_path / "a", tmp_path / "then", Wanted(known_at_us=2))
    assert [(part.rows, part.seq1, part.received1) for part in parts] == [(2, 2, 2)]


def test_what_an_export_would_not_write_is_refused_and_nothing_shown(tmp_path):
    filled(tmp_path / "a", *ABA)
    parts = exported(tmp_path / "a", tmp_path / "out")
    writer = HistoryWriter(tmp_path / "b")
    wrong = [VersionMerge("observation", "air", [tmp_path / "out" / parts[2].path], 0, EVEN),
             VersionMerge("event", "air", [tmp_path / "out" / parts[0].path], 0, EVEN),
             VersionMerge("observation", "air", [tmp_path / "out" / parts[1].path], 0, [(2, 99)])]
    for work in wrong:
        with pytest.raises(WrongInput):
            writer.rework(work)
    assert not writer.manifest.files
    assert not list((tmp_path / "b").glob("observation/*/*"))
