"""Databases as sources: SQLite, a real PostgreSQL, a real MariaDB. Ties, types, limits, injection, reading only."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from own_databases import mariadb, postgres
from pull_site import feed_of, round_of, site_of
from sqlalchemy import make_url

from data.cursors import Cursors
from data.errors import WrongInput
from data.mapping import RowMapper
from data.pack import Feed
from data.source import Source
from data.source_faults import Away
from data.sources import sql
from data.sources.sql import open_source

pytestmark = pytest.mark.integration
START = datetime(2026, 11, 20, 8)
MAP = "{fields: {station: 站, time: 时间, value: 值}, constants: {metric: level}, timezone: Asia/Shanghai}"


class Town:
    """A table of readings in one of the three, written by another account than ours."""

    def __init__(self, kind: str, address: str, tmp_path: Path) -> None:
        self.kind, self.address = kind, address
        url = make_url(address)
        if kind == "sqlite":
            self.connection: Any = sqlite3.connect(tmp_path / "town.db", isolation_level=None)
        elif kind == "postgresql":
            self.connection = psycopg.connect(address, autocommit=True)
        else:
            self.connection = pymysql.connect(host=url.host, port=url.port, user=url.username, password=url.password,
                                              database=url.database, autocommit=True, charset="utf8mb4")
        self.quote = "`" if kind == "mariadb" else '"'
        moment = {"sqlite": "INTEGER", "postgresql": "timestamptz(6)", "mariadb": "DATETIME(6)"}[kind]
        self.run('DROP TABLE IF EXISTS "读数 %表"')
        self.run(f'CREATE TABLE "读数 %表" ("站" VARCHAR(20), "时间" VARCHAR(30), "值" DECIMAL(9,3), "更新" {moment})')

    def run(self, statement: str, *values: Any) -> list[Any]:
        cursor = self.connection.cursor()
        mark = "?" if self.kind == "sqlite" else "%s"
        said = statement.replace('"', self.quote)
        if self.kind != "sqlite" and values:
            said = said.replace("%", "%%")
        cursor.execute(said.replace("?", mark), values) if values else cursor.execute(said)
        found = list(cursor.fetchall()) if cursor.description else []
        cursor.close()
        return found

    def add(self, numbers: range, second: int) -> None:
        """Readings of one update time."""
        moment: Any = second if self.kind == "sqlite" else START + timedelta(seconds=second)
        for number in numbers:
            self.run('INSERT INTO "读数 %表" VALUES (?, ?, ?, ?)', "g1",
                     f"2026-11-20 {number // 60 % 24:02}:{number % 60:02}", number / 8, moment)

    def feed(self, more: str = "", what: str = "table: '读数 %表', watermark: 更新") -> Feed:
        return feed_of(f"{{kind: sql, sql: {{url_env: TOWN_DB, {what}{more}}}}}", MAP)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    with postgres() as (pg, _), mariadb() as my:
        yield {"postgresql": pg, "mariadb": my}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def town(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    address = f"sqlite:///{tmp_path}/town.db" if request.param == "sqlite" else \
        request.getfixturevalue("servers")[request.param]
    monkeypatch.setenv("TOWN_DB", address)
    found = Town(request.param, address, tmp_path)
    yield found
    found.connection.close()


def opened(town: Town, tmp_path: Path, feed: Feed | None = None) -> Source:
    return open_source(site_of(tmp_path / "s", feed or town.feed()))


def test_rows_come_once_in_the_order_of_the_watermark(town: Town, tmp_path: Path) -> None:
    town.add(range(20, 30), 2)
    town.add(range(20), 1)
    source = opened(town, tmp_path)
    rows, cursor, _ = round_of(source)
    eighths = [row["值"] * 8 for row in rows]
    assert (sorted(eighths), max(eighths[:20])) == (list(range(30)), 19)
    site = site_of(tmp_path / "s", town.feed())
    mapped = RowMapper(site.feed, site.clock).apply(rows)
    assert (len(mapped.rows), mapped.rejected) == (30, [])
    assert min(mapped.rows, key=lambda row: abs(row["value"] - 1)) == {"metric": "level", "station": "g1", "value": 1.0,
                              "time": round(datetime.fromisoformat("2026-11-20T00:08:00+08:00").timestamp() * 1e6)}
    assert round_of(source, cursor)[0] == [], "what was taken does not come again"
    town.add(range(30, 33), 2)
    town.add(range(40, 42), 3)
    rows, after, _ = round_of(source, cursor)
    assert sorted(row["值"] * 8 for row in rows) == [30, 31, 32, 40, 41], "a late row of an equal watermark is not lost"
    assert round_of(source, after)[0] == []


def test_ties_over_portions_and_a_crash_between(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "PORTION_ROWS", 7)
    town.add(range(5), 1)
    town.add(range(5, 30), 2)
    source = opened(town, tmp_path)
    seen: list[Any] = []
    cursor = None
    for _ in range(30):
        # Each round is cut off after its first portion, whose cursor alone is remembered.
        portions = source.portions(cursor)
        first = next(portions)
        portions.close()
        seen += [row["值"] * 8 for row in first.rows]
        cursor = first.cursor or cursor
    assert sorted(seen) == list(range(30)), "each once: the ties that were taken are left out of the next reading"


def test_more_ties_than_are_remembered_come_again_and_none_is_lost(
        town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "MOST_TIES", 10)
    town.add(range(15), 1)
    source = opened(town, tmp_path)
    rows, cursor, _ = round_of(source)
    assert len(rows) == 15
    assert cursor is not None
    assert cursor["ties"] == []
    town.add(range(15, 17), 1)
    assert {row["值"] * 8 for row in round_of(source, cursor)[0]} == set(range(17))


def test_overlap_reads_rows_that_were_committed_late(town: Town, tmp_path: Path) -> None:
    town.add(range(3), 100)
    source = opened(town, tmp_path, town.feed(", overlap: 60"))
    _, cursor, _ = round_of(source)
    town.add(range(10, 12), 70)
    assert {10, 11} <= {row["值"] * 8 for row in round_of(source, cursor)[0]}
    town.add(range(20, 22), 30)
    assert 20 not in {row["值"] * 8 for row in round_of(source, cursor)[0]}


def test_rows_without_a_watermark_are_named(town: Town, tmp_path: Path) -> None:
    town.add(range(2), 1)
    town.run('INSERT INTO "读数 %表" VALUES (?, ?, ?, ?)', "g1", "2026-11-20 10:00", 1, None)
    rows, cursor, portions = round_of(opened(town, tmp_path))
    assert len(rows) == 2
    assert [reason for portion in portions for _, reason in portion.bad] == [sql.NO_WATERMARK]
    assert round_of(opened(town, tmp_path), cursor)[0] == []


def test_a_declared_query_and_no_watermark(town: Town, tmp_path: Path) -> None:
    town.add(range(4), 1)
    asked = """SELECT "站" AS 站, "时间" AS 时间, "值" AS 值, ':x 100%' AS n FROM "读数 %表" """
    feed = town.feed(what="query: " + json.dumps(asked.replace('"', town.quote)))
    rows, cursor, _ = round_of(opened(town, tmp_path, feed))
    assert (len(rows), cursor) == (4, None)
    assert rows[0]["n"] == ":x 100%"


def test_declared_columns_are_read_like_all_of_them(town: Town, tmp_path: Path) -> None:
    """As the recipe of docs/feeds.md writes it: `columns`, a watermark, and one row without it."""
    town.add(range(3), 1)
    town.run('INSERT INTO "读数 %表" VALUES (?, ?, ?, NULL)', "g1", "2026-11-20 09:00", 1)
    columns = "table: '读数 %表', columns: [站, 时间, 值, 更新], watermark: 更新"
    source = opened(town, tmp_path, town.feed(what=columns))
    rows, cursor, portions = round_of(source)
    assert ([row["值"] * 8 for row in rows], [len(one.bad) for one in portions]) == ([0, 1, 2], [1, 0])
    assert all(type(name) is str for row in rows for name in row)
    town.add(range(3, 5), 1)
    assert [row["值"] * 8 for row in round_of(source, cursor)[0]] == [3, 4], "the ties of a value are known"


NAMES = ['x"; DROP TABLE "读数 %表"; --',
         "x`; DROP TABLE `读数 %表`; -- ", "读数 %表\" UNION SELECT 1,2,3,4 --", "' OR '1'='1",
         "a.b; DELETE FROM x"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_names_and_nothing_else(town: Town, tmp_path: Path, name: str) -> None:
    """V23: whatever stands in a table's, column's or watermark's place is quoted, and writes are refused."""
    town.add(range(3), 1)
    quoted = name.replace("'", "''")
    for what in (f"table: '{quoted}'", f"table: '读数 %表', columns: [站, 时间, 值, '{quoted}']",
                 f"table: '读数 %表', watermark: '{quoted}'"):
        with pytest.raises((Away, WrongInput)) as caught:
            round_of(opened(town, tmp_path, town.feed(what=what)))
        assert "s3cret" not in str(caught.value)
    assert town.run('SELECT count(*) FROM "读数 %表"')[0][0] == 3


def test_values_of_a_cursor_are_bound(town: Town, tmp_path: Path) -> None:
    town.add(range(3), 1)
    evil = {"kind": "str", "value": "1' OR 1=1; DROP TABLE \"读数 %表\"; --", "ties": []}
    with suppress(Away):
        assert len(round_of(opened(town, tmp_path), evil)[0]) <= 3
    assert town.run('SELECT count(*) FROM "读数 %表"')[0][0] == 3


def test_the_transaction_reads_only(town: Town, tmp_path: Path) -> None:
    town.run("DROP TABLE IF EXISTS t0")
    town.run("CREATE TABLE t0 (a INTEGER)")
    town.run("INSERT INTO t0 VALUES (1)")
    source = opened(town, tmp_path)
    with pytest.raises(Away, match="只读，不能写入"), source._database.reading() as connection:
        connection.exec_driver_sql("DELETE FROM t0")
    assert town.run("SELECT count(*) FROM t0")[0][0] == 1


def test_a_long_statement_ends_in_a_sentence(town: Town, tmp_path: Path) -> None:
    endless = ("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) "
               "SELECT max(n) AS 站, 1 AS 时间, 1 AS 值 FROM c")
    asked = {"postgresql": "SELECT pg_sleep(20) AS 站, 1 AS 时间, 1 AS 值", "sqlite": endless,
             "mariadb": "SELECT SLEEP(20) AS 站, 1 AS 时间, 1 AS 值"}
    began = time.monotonic()
    with pytest.raises(Away, match="超时"):
        round_of(opened(town, tmp_path, town.feed(", timeout: 1", f"query: '{asked[town.kind]}'")))
    assert time.monotonic() - began < 8


def test_what_is_missing_is_named(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town.run('CREATE TABLE IF NOT EXISTS "空表" ("甲" INTEGER)')
    with pytest.raises(WrongInput, match=r"缺少列 站、时间、值.*（有 甲）"):
        round_of(opened(town, tmp_path, town.feed(what="table: 空表")))
    with pytest.raises(Away, match="出错：没有这个"):
        round_of(opened(town, tmp_path, town.feed(what="table: 没有")))
    if town.kind != "sqlite":
        monkeypatch.setenv("TOWN_DB", town.address.replace("s3cret", "geheim"))
        with pytest.raises(Away, match="出错：用户名或口令不对"):
            round_of(opened(town, tmp_path))
        monkeypatch.setenv("TOWN_DB", town.address.replace(str(make_url(town.address).port), "1"))
        with pytest.raises(Away, match="出错：对方拒绝连接"):
            round_of(opened(town, tmp_path))
    monkeypatch.delenv("TOWN_DB")
    with pytest.raises(WrongInput, match="TOWN_DB 没有设置"):
        opened(town, tmp_path)
    monkeypatch.setenv("TOWN_DB", "oracle://a:geheim@b/c")
    with pytest.raises(WrongInput, match="不是数据库地址") as caught:
        opened(town, tmp_path)
    assert "geheim" not in str(caught.value)


def test_a_server_that_stands_still_and_one_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.databases.GRACE_S", 0.5)
    with postgres() as (address, process):
        monkeypatch.setenv("TOWN_DB", address)
        town = Town("postgresql", address, tmp_path)
        town.add(range(3), 1)
        source = opened(town, tmp_path, town.feed(", timeout: 1"))
        began = time.monotonic()
        with pytest.raises(Away) as caught:
            _ask_a_frozen_server(source, process.pid)
        assert time.monotonic() - began < 8
        assert "s3cret" not in str(caught.value)
        town.connection.close()
    with pytest.raises(Away, match="出错"):
        round_of(source)


def _ask_a_frozen_server(source: Any, pid: int) -> None:
    with source._database.reading() as connection:
        frozen = _children(pid)
        for child in frozen:
            os.kill(child, signal.SIGSTOP)
        try:
            connection.exec_driver_sql("SELECT 1")
        finally:
            for child in frozen:
                os.kill(child, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_cursor_belongs_to_what_was_read(tmp_path: Path, town: Town) -> None:
    cursors = Cursors(tmp_path / "cursors", None)
    assert cursors.read("gauges", town.feed()) is None
    cursors.keep("gauges", town.feed(), 0, {"kind": "int", "value": 7, "ties": []})
    assert Cursors(tmp_path / "cursors", None).read("gauges", town.feed(", timeout: 9")) is not None
    assert Cursors(tmp_path / "cursors", None).read("gauges", town.feed(what="table: 别的")) is None
    (tmp_path / "cursors" / "gauges.json").write_bytes(b"{torn")
    assert Cursors(tmp_path / "cursors", None).read("gauges", town.feed()) is None
