"""One contract of the history, over every store: the same questions and the same assertions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from history_stores import (
    DAY,
    EVER,
    HOUR,
    T0,
    Store,
    batch,
    change,
    meta,
    put,
    reading,
    seqs,
)

from data.clock import to_us
from data.event_facts import KEY, TOLD, ended_ids, standing_ids
from data.history import MONTH, Span
from data.records import KINDS, STAGES, content, identity, parse

pytestmark = pytest.mark.integration


def test_nothing_was_ever_written(read_store: Store) -> None:
    for reader in (read_store.reader(), read_store.writer() and read_store.reader()):
        assert reader.manifest().files == ()
        assert reader.rows("observation", EVER).num_rows == 0
        assert reader.observation_buckets(["pm25"], ["air"], EVER).num_rows == 0
        assert reader.event_facts(EVER).num_rows == 0
        assert reader.changes_of({"hotline": ["e1"]}, EVER).num_rows == 0
        assert reader.identities("event", "hotline", 0, 2**62) == []
        assert reader.current_assets() == []
        assert reader.run(reader.table("warning")).num_rows == 0
        assert reader.facts(reader.table("event"), TOLD).num_rows == 0


def test_rows_come_back_as_they_were(read_store: Store) -> None:
    row = {**parse("warning", {"id": "w1", "kind": "rain", "level": "red", "sent": T0, "expires": T0 + HOUR,
                               "polygon": {"type": "Polygon", "coordinates": [[[1.5, 2], [3, 4], [5, 6], [1.5, 2]]]},
                               "references": ["w0"], "headline": '暴雨,“红色”"预警"\n第二行\\.', "demo": True}),
           **meta(1, "cap", code="")}
    put(read_store.writer(), "warning", row)
    assert read_store.reader().current("warning") == [row]


def test_floats_and_gaps_come_back_to_the_last_bit(read_store: Store) -> None:
    values = [0.1 + 0.2, 5e-324, -0.0, 1e20, 1.7976931348623157e308, 123456789.12345679, -1.0]
    rows = [{**reading(number, T0 + number, value), "quality": quality} for number, (value, quality)
            in enumerate(zip(values, ["", None, " ", "NULL", "\\N", "t", '"'], strict=True), 1)]
    put(read_store.writer(), "observation", *rows)
    found = read_store.reader().rows("observation", EVER).sort_by("seq").to_pylist()
    assert [(str(row["value"]), row["quality"]) for row in found] == [
        (str(row["value"]), row["quality"]) for row in rows]
    only = read_store.reader().rows("observation", EVER, columns=["quality"])["quality"]
    assert (len(only), only.null_count) == (7, 1)


def test_a_commit_moves_the_checkpoint_and_says_what_is_there(store: Store) -> None:
    writer, reader = store.writer(), store.reader()
    writer.append(batch("observation", reading(1), reading(2, T0 - 40 * DAY, feed="b", prev=1)))
    writer.append(batch("event", change(3, "e1", "received", T0)))
    assert (writer.checkpoint, writer.last_seq, reader.manifest().files) == (0, 3, ())
    writer.commit()
    found = {(e.kind, e.partition, e.rows, e.seq0, e.seq1, e.day0, e.day1, e.received1, e.feeds, e.replaced)
             for e in reader.manifest().files}
    day = T0 // DAY
    assert found == {("observation", "2026-11", 1, 1, 1, day, day, 1, ("air",), 0),
                     ("observation", "2026-10", 1, 2, 2, day - 40, day - 40, 2, ("b",), 1),
                     ("event", "2026-11", 1, 3, 3, day, day, 3, ("hotline",), 0)}
    assert reader.manifest().checkpoint == writer.checkpoint == writer.manifest.checkpoint == 3
    version = reader.manifest().version
    writer.commit()
    assert reader.manifest().version == version


def test_replay_after_a_crash_doubles_nothing(store: Store) -> None:
    writer = store.writer()
    first, second = batch("observation", reading(1), reading(2, T0 + 1)), batch("observation", reading(3, T0 + 2))
    for item in (first, first):
        writer.append(item)
    writer.commit()
    writer.append(second)
    again = store.writer()
    assert (again.checkpoint, again.last_seq) == (2, 2)
    for item in (first, second, second):
        again.append(item)
    again.commit()
    assert seqs(store.reader()) == [1, 2, 3]
    assert store.writer().checkpoint == 3


def test_batches_without_rows_move_the_checkpoint(store: Store) -> None:
    writer = store.writer()
    writer.append(replace(batch("observation", reading(5)), rows=[]))
    writer.commit()
    assert (writer.checkpoint, store.writer().checkpoint, seqs(store.reader())) == (5, 5, [])


def test_versions_a_b_a_as_known_at(read_store: Store) -> None:
    writer, reader = read_store.writer(), read_store.reader()
    put(writer, "observation", reading(1, value=1.0))
    put(writer, "observation", reading(2, value=2.0, prev=1))
    put(writer, "observation", reading(3, value=1.0, prev=2), reading(4, T0 + HOUR))
    assert seqs(reader) == [3, 4]
    assert [seqs(reader, known_at_us=known) for known in (0, 1, 2, 3, 4)] == [[], [1], [2], [3], [3, 4]]
    assert reader.run(reader.table("observation", 2))["seq"].to_pylist() == [2]
    buckets = reader.observation_buckets(["pm25"], ["air"], replace(EVER, known_at_us=2)).to_pylist()
    assert [(row["n"], row["total"]) for row in buckets] == [(1, 2.0)]
    assert [seq for _, _, seq in reader.identities("observation", "air", T0, T0 + 1)] == [3]


def test_rows_are_half_open_and_of_the_feeds(read_store: Store) -> None:
    writer, reader = read_store.writer(), read_store.reader()
    put(writer, "observation", reading(1, T0 - 1), reading(2, T0), reading(3, T0 + 1, feed="b"), reading(4, T0 + 2))
    assert seqs(reader, start_us=T0, end_us=T0 + 2) == [2, 3]
    assert seqs(reader, feeds=["b"], start_us=T0, end_us=T0 + 3) == [3]
    assert seqs(reader, feeds=["none"]) == []
    assert reader.observation_buckets(["none"], ["air"], EVER).num_rows == 0


def test_a_commit_after_the_manifest_was_read_does_not_double_a_record(store: Store) -> None:
    """A question made of the manifest of one instant and run at a later one sees the older or the newer state."""
    writer, reader = store.writer(), store.reader()
    put(writer, "observation", reading(1), reading(2, T0 + 1))
    question = reader.table("observation").select("seq")
    put(writer, "observation", reading(3, value=2.0, prev=1))
    assert sorted(reader.run(question)["seq"].to_pylist()) in ([1, 2], [2, 3])


@pytest.mark.parametrize("edge", [datetime(2026, 10, 31, 16, tzinfo=UTC), datetime(2024, 2, 29, 16, tzinfo=UTC),
                                  datetime(1969, 12, 31, 16, tzinfo=UTC), datetime(1965, 6, 30, 16, tzinfo=UTC),
                                  datetime(2099, 12, 31, 16, tzinfo=UTC)])
def test_buckets_at_local_month_edges(read_store: Store, edge: datetime) -> None:
    start, local = to_us(edge), 8 * HOUR
    last = edge.replace(day=1) if edge.day > 1 else edge
    before = to_us(datetime(last.year - (last.month == 1), (last.month - 2) % 12 + 1, 28, 16, tzinfo=UTC))
    put(read_store.writer(), "observation", reading(1, start - 1, 5.0), reading(2, start, 1.0),
        reading(3, start + 1, 3.0), reading(4, start + DAY, 7.0, code="c2"),
        reading(5, start, 7.0, station="s2"), reading(6, start, metric="o3"))
    asked = [read_store.reader().observation_buckets(["pm25"], ["air"], Span(before, start + 2 * DAY, step, local))
             for step in (MONTH, DAY, HOUR, 7 * DAY)]
    months, days, hours, weeks = [sorted(tuple(row.values()) for row in table.to_pylist()) for table in asked]
    earlier = months[0][3]
    assert months == [("s1", "pm25", "c1", earlier, 1, 5.0, 5.0, 5.0, 5.0, start - 1),
                      ("s1", "pm25", "c1", start, 2, 4.0, 1.0, 3.0, 3.0, start + 1),
                      ("s1", "pm25", "c2", start, 1, 7.0, 7.0, 7.0, 7.0, start + DAY),
                      ("s2", "pm25", "c1", start, 1, 7.0, 7.0, 7.0, 7.0, start)]
    assert 28 * DAY <= start - earlier <= 31 * DAY
    assert [row[3] for row in days] == [start - DAY, start, start + DAY, start]
    assert [row[3] for row in hours] == [start - HOUR, start, start + DAY, start]
    assert all((row[3] + local + 3 * DAY) % (7 * DAY) == 0 and row[3] <= row[9] < row[3] + 7 * DAY for row in weeks)


def test_events_as_their_changes_left_them(read_store: Store) -> None:
    writer, reader = read_store.writer(), read_store.reader()
    put(writer, "event",
        change(1, "e1", "received", T0, department="a", due=T0 + 9 * DAY), change(2, "e1", "filed", T0 + 1),
        change(3, "e1", "handling", T0 + 2, department="b"), change(4, "e1", "closed", T0 + 3, satisfaction=4.0),
        change(5, "e2", "received", T0, title="路灯,不亮\n"), change(6, "e2", "dispatched", T0, act="return"),
        change(7, "e3", "received", T0 - 40 * DAY), change(8, "e3", "closed", T0 - 39 * DAY))
    put(writer, "event", {**change(9, "e2", "dispatched", T0, department="c"), "prev": 6})
    facts = {row["id"]: row for row in reader.event_facts(EVER).to_pylist()}
    assert set(facts) == {"e1", "e2", "e3"}
    one, two = facts["e1"], facts["e2"]
    assert (one["department"], one["due"], one["stage"], one["satisfaction"]) == ("b", T0 + 9 * DAY, "closed", 4.0)
    assert [one[f"reached_{name}"] for name in STAGES] == [T0, T0 + 1, None, T0 + 2, None, None, T0 + 3, None]
    assert (one["stage_time"], one["worked"], one["ended"], one["sent_back"]) == (T0 + 3, T0 + 2, T0 + 3, None)
    assert (two["department"], two["stage"], two["sent_back"], two["ended"]) == ("c", "dispatched", None, None)
    told = reader.facts(reader.table("event"), TOLD).to_pylist()
    assert {row["id"]: row["title"] for row in told} == {"e1": None, "e2": "路灯,不亮\n", "e3": None}
    known = {row["id"]: row for row in reader.event_facts(replace(EVER, known_at_us=8)).to_pylist()}
    assert known["e2"]["sent_back"] is True
    every = reader.table("event")
    kept = every.semi_join(standing_ids(every, T0 - 30 * DAY), KEY)
    assert sorted(row["id"] for row in reader.facts(kept).to_pylist()) == ["e1", "e2"]
    assert sorted(reader.changes_of({"hotline": ["e2", "e9"]}, Span(T0, T0 + 1))["seq"].to_pylist()) == [5, 9]
    assert reader.event_facts(Span(T0 + 2, T0 + 3))["id"].to_pylist() == ["e1"]


def test_one_number_in_two_feeds_is_two_events(read_store: Store) -> None:
    writer, reader = read_store.writer(), read_store.reader()
    put(writer, "event",
        change(1, "7", "received", T0, department="a"), change(2, "7", "received", T0 + 1, feed="tips", title="漏水"),
        change(3, "7", "closed", T0 + 2), change(4, "7", "handling", T0 + 3, feed="tips"),
        change(5, "8", "received", T0, feed="tips"))
    put(writer, "event", {**change(6, "7", "handling", T0 + 3, feed="tips", department="b"), "prev": 4})
    facts = {(row["feed"], row["id"]): row for row in reader.facts(reader.table("event"), TOLD).to_pylist()}
    assert {key: (row["stage"], row["department"], row["title"]) for key, row in facts.items()} == {
        ("hotline", "7"): ("closed", "a", None), ("tips", "7"): ("handling", "b", "漏水"),
        ("tips", "8"): ("received", None, None)}
    assert [(row["feed"], row["ended"]) for row in reader.event_facts(EVER).sort_by(
        [("id", "ascending"), ("feed", "ascending")]).to_pylist()] == [
            ("hotline", T0 + 2), ("tips", None), ("tips", None)]
    every = reader.table("event")
    assert reader.run(ended_ids(every, T0 + DAY)).to_pylist() == [{"feed": "hotline", "id": "7"}]
    kept = reader.facts(every.semi_join(standing_ids(every, T0 + DAY), KEY)).to_pylist()
    assert sorted((row["feed"], row["id"]) for row in kept) == [("tips", "7"), ("tips", "8")]
    for asked, found in (({"tips": ["7"]}, [2, 6]), ({"hotline": ["7", "8"]}, [1, 3]), ({"none": ["7"]}, []), ({}, []),
                         ({"tips": ["8"], "hotline": ["7"]}, [1, 3, 5])):
        assert sorted(reader.changes_of(asked, EVER)["seq"].to_pylist()) == found


@pytest.mark.parametrize("kind", KINDS)
def test_identities_equal_those_of_live_records(read_store: Store, kind: str) -> None:
    from tests.contract.test_history_identities import RAW
    rows = [{**parse(kind, raw), **meta(seq, "f", received=T0)} for seq, raw in enumerate(RAW[kind], 1)]
    put(read_store.writer(), kind, *rows)
    expected = {(identity(kind, "f", row), content(kind, row), row["seq"]) for row in rows}
    assert set(read_store.reader().identities(kind, "f", T0 - 10, T0 + 100)) == expected
    assert read_store.reader().identities(kind, "other", T0 - 10, T0 + 100) == []


def test_compaction_keeps_every_answer(store: Store) -> None:
    writer, reader = store.writer(), store.reader()
    for seq in range(1, 31):
        put(writer, "observation", reading(seq, T0 + seq // 2, float(seq), prev=seq - 1 if seq % 2 else 0))
    known = replace(EVER, known_at_us=20)
    asked = [lambda: seqs(reader), lambda: seqs(reader, known_at_us=20),
             lambda: sorted(map(str, reader.identities("observation", "air", 0, 2**62))),
             lambda: reader.observation_buckets(["pm25"], ["air"], known).to_pylist()]
    answers = [ask() for ask in asked]
    before = reader.manifest()
    writer.compact()
    after = reader.manifest()
    assert (len(before.files), len(after.files), after.version > before.version) == (30, 1, True)
    assert (after.files[0].rows, after.files[0].replaced, after.files[0].seq0, after.checkpoint) == (30, 14, 1, 30)
    assert [ask() for ask in asked] == answers
