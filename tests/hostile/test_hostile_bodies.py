"""Bodies that a sender pushes are parsed in the collector itself: what bounds them is size, records, depth and time."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from data.bodies import MOST_BYTES, MOST_PARTS, MOST_RECORDS, BadBody, TooLarge, read_body
from data.clock import Clock
from data.feed_mapping import Mapping
from data.mapping import RowMapper
from data.pack import Feed, FeedSource, load_pack
from data.pushed import BodyMapping
from data.records import RecordError, parse

PACK = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack")
SECONDS, MEMORY_KB, TRIES = 3.0, 900_000, 3
NESTED, OBJECTS = b"[" * 200_000 + b"]" * 200_000, b'{"a":' * 200_000 + b"1" + b"}" * 200_000
REFUSED: dict[str, bytes] = {
    "deep arrays": NESTED, "deep objects": b"[" + OBJECTS + b"]", "as deep as it is long": b"[" * MOST_BYTES,
    "a number of a million digits and a letter": b"[" + b"9" * 1_000_000 + b"x]", "NUL": b"\0" * 1000,
    "half a surrogate": b'[{"id":"\\ud800"}]', "nothing but commas": b"[" + b"," * 9_000_000 + b"]",
    "a mark in a word and nothing but lists": b'[{"a":"x\\":","b":[' + b"[]," * 3_300_000 + b"[]]}]",
    "a key that never ends": b'[{"' + b"k" * 9_000_000, "not UTF-8": b'["\xff\xfe"]'}
ONE_LINE = [name for name, body in REFUSED.items() if b"\n" not in body and len(body) <= 9_000_000]


def bounded(work: Any) -> None:
    """Runs work and holds it to its time and memory; a machine that does other work gets three tries for the time."""
    before, took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, list[float]()
    while len(took) < TRIES and min(took, default=SECONDS) >= SECONDS:
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    assert min(took) < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_KB


@pytest.mark.parametrize("name", REFUSED)
def test_bombs_are_refused_in_a_sentence_and_in_time(name: str) -> None:
    def work() -> None:
        with pytest.raises(BadBody) as caught:
            read_body(REFUSED[name], False)
        assert len(str(caught.value)) < 300
    bounded(work)


@pytest.mark.parametrize("name", ONE_LINE)
def test_a_line_that_is_a_bomb_does_not_take_the_others_along(name: str) -> None:
    def work() -> None:
        found = read_body(b'{"id": 1}\n' + REFUSED[name] + b'\n{"id": 2}', True)
        assert found.raws == [{"id": 1}, {"id": 2}]
        assert [position for position, _, _ in found.broken] == [1]
    bounded(work)


@pytest.mark.parametrize("lines", [False, True])
def test_too_many_and_too_much_are_refused(lines: bool) -> None:
    for body in (b"[" + b"1," * MOST_RECORDS + b"1]" if not lines else b"1\n" * (MOST_RECORDS + 1),
                 b" " * (MOST_BYTES + 1)):
        with pytest.raises(TooLarge):
            read_body(body, lines)


def test_the_most_that_may_come_is_read_mapped_and_judged_in_time() -> None:
    """A body of 10 MB of many columns, and one of as many lists as may come: read, mapped and refused row by row."""
    one = {f"column{number}": number for number in range(45)} | {"station": "s", "value": 1}
    wide = [one] * MOST_RECORDS
    deep = [{"station": orjson.loads(b"[" * 95 + b"]" * 95), "value": 1}] * MOST_RECORDS
    rule = Mapping(fields={"station": "station", "time": "t", "value": "value"}, constants={"metric": "level"})
    feed = Feed(name="f", topic="M1", department="test", kind="observation", source=FeedSource(kind="push"),
                cadence="1h", map=rule)
    for records in (wide, deep):
        whole = orjson.dumps(records)
        count = min(len(records), MOST_BYTES * len(records) // len(whole))
        body = orjson.dumps(records[:count])

        def work(body: bytes = body, count: int = count) -> None:
            found = read_body(body, False)
            assert len(found.raws) == count
            mapped = BodyMapping(RowMapper(feed, Clock())).apply(found)
            assert len(mapped.raws) + len(mapped.broken) == count
            for raw in found.raws:
                with pytest.raises(RecordError):
                    parse("observation", raw)
        bounded(work)


def test_lists_without_number_are_refused_before_they_are_built() -> None:
    half = b'{"a":[' + b"[]," * (MOST_PARTS // 2) + b"[]]}"
    found = read_body(b"\n".join((half, half, b'{"id": 1}')), True)
    assert [position for position, _, _ in found.broken] == [1]
    assert found.raws[1:] == [{"id": 1}]
    with pytest.raises(BadBody, match="列表与对象超过"):
        read_body(b"[" + half + b"," + half + b"]", False)
