"""The parser's child: the same answers as in process, and whatever a file does to it harms only that file."""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from outcomes import CLOCK, feed, one_sentence, write
from test_hostile_places import package
from workbooks import sheet, workbook

from data.bulk_files import chunks
from data.errors import Unavailable, WrongInput
from data.feed_mapping import Mapping, TableForm, ValueColumn
from data.sandbox import Parser
from data.sources.files import read_file

ROOT = Path(__file__).parents[2]
HEAD = "station,metric,time,value\n"
GOOD = "站一,pm25,2026-11-22T08:00:00+08:00,12.5\n"
BAD = "站一,pm25,昨天,12.5\n"
# A pattern that takes exponential time on a name it does not match: what a hanging parser looks like.
HANGS = feed("csv", table=TableForm(from_name={"日": r"(?:a+)+(b)$"}))
HANGING_NAME = "a" * 40 + ".csv"


@pytest.fixture
def parser() -> Iterator[Parser]:
    made = Parser()
    yield made
    made.close()


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "parser_child" in " ".join(child.cmdline())]


def sentence(read: Callable[[], object], *parts: str) -> None:
    with pytest.raises(WrongInput) as caught:
        read()
    one_sentence(str(caught.value), *parts)


def test_the_child_says_what_the_process_itself_would(parser: Parser, tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", HEAD + (GOOD + BAD) * 6000)
    rule = Mapping(fields={"station": "station", "time": "time"}, timezone="Asia/Shanghai",
                   values={"value": (ValueColumn(metric="pm25"),)})
    for of in (feed(), feed("csv", rule)):
        own, far = list(read_file(path, of, CLOCK)), list(parser.rows(path, of, CLOCK))
        assert far == own
        near, away = list(chunks(path, of, CLOCK)), list(parser.columns(path, of, CLOCK))
        assert pa.concat_tables(c.table for c in away) == pa.concat_tables(c.table for c in near)
        assert [(c.rejected, c.read, c.counts, c.columns, c.read_as) for c in away] == [
            (c.rejected, c.read, c.counts, c.columns, c.read_as) for c in near]
    assert len(children()) == 1, "one child reads them all"


def test_a_refusal_comes_through_and_the_child_stays(parser: Parser, tmp_path: Path) -> None:
    page = write(tmp_path, "a.csv", "<html></html>")
    sentence(lambda: list(parser.rows(page, feed(), CLOCK)), "a.csv", "网页")
    first = children()[0].pid
    assert len(next(iter(parser.rows(write(tmp_path, "b.csv", HEAD + GOOD), feed(), CLOCK))).rows) == 1
    assert [child.pid for child in children()] in ([first], [])


def test_memory_is_bounded(tmp_path: Path) -> None:
    parser = Parser(memory_bytes=60_000_000)
    try:
        big = write(tmp_path, "big.csv", HEAD + GOOD * 900_000)
        sentence(lambda: list(parser.columns(big, feed(), CLOCK)), "big.csv", "60 MB")
        small = write(tmp_path, "small.csv", HEAD + GOOD)
        assert next(iter(parser.columns(small, feed(), CLOCK))).table.num_rows == 1
    finally:
        parser.close()


def test_a_file_that_hangs_the_parser_costs_its_time_and_no_more(tmp_path: Path) -> None:
    parser = Parser(seconds=1.0)
    try:
        path = write(tmp_path, HANGING_NAME, HEAD + GOOD)
        list(parser.rows(write(tmp_path, "warm.csv", HEAD + GOOD), feed(), CLOCK))
        began = time.monotonic()
        sentence(lambda: list(parser.rows(path, HANGS, CLOCK)), "1 秒没有读完")
        assert time.monotonic() - began < 10
        assert children() == []
        assert len(list(parser.rows(write(tmp_path, "b.csv", HEAD + GOOD), feed(), CLOCK))) == 1
    finally:
        parser.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_dies_gives_one_sentence(parser: Parser, tmp_path: Path, how: signal.Signals) -> None:
    path = write(tmp_path, HANGING_NAME, HEAD + GOOD)
    list(parser.rows(write(tmp_path, "warm.csv", HEAD + GOOD), feed(), CLOCK))
    killer = threading.Timer(0.3, lambda: children()[0].send_signal(how))
    killer.start()
    sentence(lambda: list(parser.rows(path, HANGS, CLOCK)), f"信号 {int(how)}")
    killer.join()
    assert len(list(parser.rows(write(tmp_path, "b.csv", HEAD + GOOD), feed(), CLOCK))) == 1


def test_a_reader_who_walks_away_leaves_nothing_behind(parser: Parser, tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", HEAD + GOOD * 200_000)
    reading = parser.rows(path, feed(), CLOCK)
    next(iter(reading))
    reading.close()  # type: ignore[attr-defined]
    assert children() == []
    assert sum(chunk.read for chunk in parser.rows(path, feed(), CLOCK)) == 200_000


def test_a_program_that_cannot_be_started_is_not_the_files_fault(
        parser: Parser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable, match="启动"):
        list(parser.rows(write(tmp_path, "a.csv", HEAD + GOOD), feed(), CLOCK))


def test_the_child_has_no_network_no_secrets_and_no_life_of_its_own(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = f"""
import sys, time
sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
from pathlib import Path
from outcomes import CLOCK, feed
from data.sandbox import Parser
parser = Parser()
list(parser.rows(Path({str(write(tmp_path, "a.csv", HEAD + GOOD))!r}), feed(), CLOCK))
print(parser._child.pid, flush=True)
time.sleep(60)
"""
    monkeypatch.setenv("YIPING_TOKEN_X", "canary-secret")
    starter = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert starter.stdout is not None
        child = psutil.Process(int(starter.stdout.readline()))
        assert "canary-secret" not in str(child.environ())
        if os.geteuid() == 0:
            assert os.readlink(f"/proc/{child.pid}/ns/net") != os.readlink("/proc/self/ns/net")
    finally:
        starter.kill()
        starter.wait()
        if starter.stdout is not None:
            starter.stdout.close()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def scratched(whole: bytes, chance: random.Random) -> bytes:
    """The bytes with some overwritten, cut out or doubled."""
    made = bytearray(whole)
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(made))
        width = chance.randint(1, 40)
        piece = bytes(made[at:at + width])
        made[at:at + width] = chance.choice([chance.randbytes(width), b"", piece * 2, b"\xff" * width])
    return bytes(made)


def test_scratched_binaries_never_get_out_of_the_child(parser: Parser, tmp_path: Path) -> None:
    chance = random.Random(20261122)
    table = pa.table({"station": ["s"] * 50, "metric": ["m"] * 50, "time": list(range(50)), "value": [1.5] * 50})
    pq.write_table(table, tmp_path / "whole.parquet")
    rows = [("station", "metric", "time", "value"), *[("s", "m", "2026-11-22T08:00:00Z", n) for n in range(50)]]
    package(tmp_path / "whole.gpkg")
    whole = {"a.parquet": (tmp_path / "whole.parquet").read_bytes(), "a.xlsx": workbook(("s", sheet(rows))),
             "a.gpkg": (tmp_path / "whole.gpkg").read_bytes(), "a.csv.gz": gzip.compress((HEAD + GOOD * 50).encode())}
    outcomes: Counter[str] = Counter()
    for name, content in whole.items():
        for _ in range(25):
            path = write(tmp_path, name, scratched(content, chance))
            for read in (parser.rows, parser.columns):
                try:
                    sum(chunk.read for chunk in read(path, feed(kind="asset" if name == "a.gpkg" else "observation"),
                                                     CLOCK))
                    outcomes["read"] += 1
                except WrongInput as error:
                    one_sentence(str(error), name)
                    outcomes["refused"] += 1
    assert outcomes["refused"] > 50, outcomes


def test_an_idle_child_goes(parser: Parser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list(parser.rows(write(tmp_path, "a.csv", HEAD + GOOD), feed(), CLOCK))
    parser.rest()
    assert len(children()) == 1
    monkeypatch.setattr("data.sandbox.IDLE_S", -1.0)
    parser.rest()
    assert children() == []
