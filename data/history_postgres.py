"""PostgreSQL as the engine of the history: connections, the manifest's rows, and questions as SQL made by Ibis."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from typing import Any, TypeVar

import ibis
import psycopg
import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from pyarrow import csv
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from data.breaker import Guard, Lost
from data.errors import Unavailable, WrongInput
from data.history_dialect import POSTGRES
from data.history_engine import first_line
from data.history_files import SCHEMA
from data.hung_database import LOOK_S, limited
from data.manifest import FileEntry, Load, Manifest

log = logging.getLogger(__name__)
LAYOUT = 1
# How long a question may take that reads months; the manifest is small and has LOOK_S.
ANSWER_S = 60.0
CONNECT_S, FREE_S, KEPT, MORE = 3, 8.0, 4, 28
_WANTED = psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName
# A server that is gone without a word is noticed in seconds.
_LINE: dict[str, Any] = {"connect_timeout": CONNECT_S, "keepalives_idle": 5, "keepalives_interval": 2,
                         "keepalives_count": 3, "tcp_user_timeout": 15_000}
# Nor does the server keep what a vanished collector had locked; floats come as they went.
_SESSION = {"timezone": "UTC", "client_encoding": "UTF8", "extra_float_digits": "3", "lock_timeout": "20s",
            "idle_in_transaction_session_timeout": "300s", "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2",
            "tcp_keepalives_count": "3"}
_REMEDIES = (
    ("password authentication", "请核对 YIPING_HISTORY_URL 的用户与密码"),
    ("resolve host", "请核对 YIPING_HISTORY_URL 的主机与端口"),
    ("read-only", "那个服务器或用户只读，请指向主服务器，用可以写的用户"),
    ("permission denied", "请给那个用户在这个库里建立模式（CREATE）与读写的权限"),
    ("", "请检查它是否在运行、权限与磁盘"))
T = TypeVar("T")


class Server:
    """A database with one place's schema in it; lends connections. Safe to use from several threads.

    Args:
        url: postgresql://user:password@host:port/database, as libpq reads it.
        schema: the place's own.

    Raises:
        WrongInput: the address cannot be understood (it is not repeated: a password may be in it).
    """

    def __init__(self, url: str, schema: str) -> None:
        try:
            told = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            told = {}
        if not told or "@" in str(told.get("host", "")):
            raise WrongInput("设置 YIPING_HISTORY_URL 的 PostgreSQL 地址看不懂；应写成 postgresql://用户:密码@主机:端口/库，"
                             "密码里的 @ : / 要写成 %40 %3A %2F")
        self.schema = schema
        self.where = f"{told.get('host', 'localhost')}:{told.get('port', 5432)}/{told.get('dbname', '')}"
        self._lock = threading.Lock()
        self._pools = [QueuePool(partial(_connect, url, schema), pool_size=KEPT, max_overflow=MORE, timeout=FREE_S)]
        self._guard = Guard("the history's database", partial(_ping, self._pools), (_Gone,))
        # Whoever forgets it, or ends, leaves no connection behind.
        self.close = weakref.finalize(self, _close, self._pools, self._guard)

    @contextmanager
    def lend(self) -> Iterator[psycopg.Connection]:
        """A connection in autocommit mode, with the schema as its search path.

        Raises:
            Unavailable: it cannot be had, or what was done with it failed; the transaction then counts for nothing.
        """
        pool = self._pools[0]
        try:
            lent: PoolProxiedConnection = pool.connect()
        except (psycopg.Error, NoneFree) as error:
            raise self._away(error) from error
        try:
            yield lent.dbapi_connection  # type: ignore[misc]
        except psycopg.Error as error:
            if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
                self._renew(pool)
            lent.invalidate()
            raise self._away(error) from error
        finally:
            _give_back(self._pools, pool, lent)

    def _renew(self, old: QueuePool) -> None:
        """The other connections that wait are as dead as the one that failed."""
        with self._lock:
            if self._pools[0] is old:
                self._pools[0] = old.recreate()
                old.dispose()

    def ask(self, question: Callable[[psycopg.Connection], T], limit_s: float = ANSWER_S) -> T:
        """Answers a question that changes nothing; asks again where a kept connection turns out to be dead.

        Raises:
            Unavailable: the server is away, or took longer than `limit_s`; at once while it is known to be away.
        """
        try:
            return self._guard.call(lambda: self._ask(question, limit_s))
        except Lost as error:
            if error.__cause__ is not None:
                raise error.__cause__ from error
            raise Unavailable(f"历史数据库 {self.where} 没有应答；请检查它是否在运行，恢复后自动继续") from error

    def _ask(self, question: Callable[[psycopg.Connection], T], limit_s: float) -> T:
        began = time.monotonic()
        try:
            return self.change(question, limit_s)
        except _Gone as error:
            if time.monotonic() - began >= LOOK_S:
                # That was no dead connection, but a server that hangs: whoever asks has waited long enough.
                raise
            log.info("asked again on another connection: %s", error)
        return self.change(question, limit_s)

    def change(self, work: Callable[[psycopg.Connection], T], limit_s: float = ANSWER_S) -> T:
        """Does something once, and gives up where the server hangs: then it may have been done all the same.

        Raises:
            Unavailable: the server is away or hangs, or it took longer than `limit_s`.
        """
        with self.lend() as line, limited(line, limit_s):
            return work(line)

    def _away(self, error: Exception) -> Unavailable:
        if isinstance(error, psycopg.errors.DiskFull):
            return Unavailable(f"历史数据库 {self.where} 的磁盘已满；请腾出空间，写入会自行继续")
        told = first_line(error)
        remedy = next(words for sign, words in _REMEDIES if sign in told)
        said = f"历史数据库 {self.where} 没有完成（{told}）；{remedy}"
        gone = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, NoneFree))
        return _Gone(said) if gone else Unavailable(said)


class _Gone(Unavailable):
    """The server cannot be reached, or does not answer."""


def _connect(url: str, schema: str) -> Any:
    line = psycopg.connect(url, autocommit=True, application_name="yiping", **_LINE)
    try:
        with limited(line, LOOK_S):
            for name, value in {**_SESSION, "search_path": f'"{schema}"'}.items():
                line.execute("SELECT set_config(%s, %s, false)", (name, value))
    except psycopg.Error:
        line.close()
        raise
    return line


def _give_back(pools: list[QueuePool], pool: QueuePool, lent: PoolProxiedConnection) -> None:
    if pools[0] is not pool and lent.is_valid:
        # Nobody asks that pool any more: what lay there would stay open.
        lent.invalidate()
    lent.close()


def _close(pools: list[QueuePool], guard: Guard) -> None:
    guard.close()
    pools[0].dispose()


def _ping(pools: list[QueuePool]) -> None:
    """Raises _Gone while the server does not answer."""
    try:
        pool = pools[0]
        lent = pool.connect()
        try:
            with limited(lent.dbapi_connection, LOOK_S):  # type: ignore[arg-type]
                lent.cursor().execute("SELECT 1")
        except psycopg.Error:
            lent.invalidate()
            raise
        finally:
            _give_back(pools, pool, lent)
    except (psycopg.Error, NoneFree) as error:
        raise _Gone(first_line(error)) from error


class PostgresEngine:
    """One schema, one partitioned table per kind."""

    dialect = POSTGRES
    # Rows of a commit made after the manifest was read are seen too.
    exact = False

    def __init__(self, server: Server) -> None:
        self.server = server
        self._lock = threading.Lock()
        self._known = Manifest()

    def manifest(self) -> Manifest:
        """What is committed now; its rows are read again only when the version is another."""
        return self.server.ask(self._manifest, LOOK_S)

    def _manifest(self, line: psycopg.Connection) -> Manifest:
        try:
            found = line.execute("SELECT layout, version FROM manifest").fetchone()
        except _WANTED:
            return Manifest()
        if found is None:
            return Manifest()
        if found[0] != LAYOUT:
            raise Unavailable(f"历史数据库 {self.server.where} 的格式是 {found[0]}，本程序只认 {LAYOUT}；请升级本程序")
        with self._lock:
            known = self._known
        if known.version != found[1]:
            known = read_rows(line)
            with self._lock:
                self._known = known
        return known

    def table(self, kind: str, files: Sequence[FileEntry]) -> ibis.Table:
        """All rows of the kind."""
        return ibis.table(ibis.Schema.from_pyarrow(SCHEMA[kind]), name=kind)

    def run(self, expression: ibis.Table) -> pa.Table:
        """The rows of an expression over `table`; none where nothing was ever written."""
        query = str(ibis.to_sql(expression, dialect="postgres"))
        schema = expression.schema().to_pyarrow()
        return self.server.ask(lambda line: _fetch(line, query, schema))


def read_rows(line: psycopg.Connection) -> Manifest:
    """The manifest as one snapshot of the database shows it."""
    with line.transaction():
        line.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        version, bulk = line.execute("SELECT version, bulk FROM manifest").fetchone() or (0, 0)
        marks = line.execute("SELECT collector, seq FROM checkpoints ORDER BY collector").fetchall()
        segments = line.cursor(row_factory=dict_row).execute(
            "SELECT kind, kind || '/' || partition || '/' || id AS path, rows, seq0, seq1, day0, day1, received1,"
            " feeds, replaced FROM segments ORDER BY id").fetchall()
        loads = line.execute("SELECT kind, feed, day1, seq1 FROM loads ORDER BY id").fetchall()
    files = tuple(FileEntry(**{**row, "feeds": tuple(row["feeds"])}) for row in segments)
    return Manifest(version, min((seq for _, seq in marks), default=0), bulk, files, (),
                    tuple(Load(*load) for load in loads), tuple((name, seq) for name, seq in marks))


def _fetch(line: psycopg.Connection, query: str, schema: pa.Schema) -> pa.Table:
    try:
        with line.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as copy:
            text = b"".join(copy)
    except _WANTED:
        return schema.empty_table()
    if not text:
        return schema.empty_table()
    options = csv.ConvertOptions(column_types=schema, null_values=[""], strings_can_be_null=True,
                                 quoted_strings_can_be_null=False, true_values=["t"], false_values=["f"])
    return csv.read_csv(BytesIO(text), csv.ReadOptions(column_names=schema.names, block_size=1 << 24),
                        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False), options)
