"""Connections to the databases of departments: read-only, with limits on time, for three kinds of servers."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from data.errors import WrongInput
from data.source_faults import Away

CONNECT_S, MOST_SAID = 10, 120
GRACE_S = 5.0
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql",
            "mariadb": "mariadb+pymysql", "sqlite": "sqlite"}
_CLEAR = ("读取超时", "对方拒绝连接", "用户名或口令不对", "没有应答")
_SAID = (("statement timeout", "读取超时"), ("max_statement_time", "读取超时"), ("max_execution_time", "读取超时"),
         ("interrupted", "读取超时"), ("lock timeout", "读取超时"), ("refused", "对方拒绝连接"),
         ("password authentication failed", "用户名或口令不对"), ("access denied for user", "用户名或口令不对"),
         ("timeout", "没有应答"), ("timed out", "没有应答"), ("does not exist", "没有这个库、表或列"),
         ("doesn't exist", "没有这个库、表或列"), ("unknown column", "没有这个列"), ("unknown database", "没有这个库"),
         ("no such", "没有这个表或列"), ("permission denied", "账号没有权限"), ("command denied", "账号没有权限"),
         ("read-only", "只读，不能写入"), ("read only", "只读，不能写入"), ("readonly", "只读，不能写入"),
         ("closed", "连接断开"), ("lost connection", "连接断开"), ("terminat", "连接断开"))


class Database:
    """One database by its address; `variable` is where that stands, for sentences."""

    def __init__(self, address: str, variable: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        try:
            url = make_url(address)
            driver = _DRIVERS[url.drivername.partition("+")[0]]
        except (ArgumentError, KeyError, ValueError) as error:
            remedy = "应像 postgresql://用户:口令@主机:端口/库 ，也可用 mysql:// 、mariadb:// 、sqlite:////路径"
            raise WrongInput(f"环境变量 {variable} 不是数据库地址；{remedy}") from error
        self._url = url.set(drivername=driver)
        self.name = f"数据库 {url.host or 'SQLite'}/{Path(url.database or '').name}"
        self._engine = self._make()

    def _make(self) -> Engine:
        kind = self._url.get_backend_name()
        if kind == "sqlite":
            return create_engine("sqlite://", creator=lambda: _sqlite(self._url), poolclass=NullPool)
        limits: dict[str, Any] = {"connect_timeout": CONNECT_S}
        if kind == "postgresql":
            limits |= {"tcp_user_timeout": round(self._timeout_s * 1000), "application_name": "yiping"}
        else:
            # The server limits the statement; this one is for a server that stands still.
            limits |= {"read_timeout": round(self._timeout_s) + 5, "write_timeout": CONNECT_S, "charset": "utf8mb4"}
        return create_engine(self._url, connect_args=limits, poolclass=NullPool, hide_parameters=True)

    @contextmanager
    def reading(self) -> Generator[Connection, None, None]:
        """A connection in a read-only transaction whose statements end by themselves.

        Raises:
            Away: it cannot be reached, refuses us, or a statement fails; the password is never in the sentence.
        """
        try:
            with self._engine.connect() as connection, self._watched(connection):
                self._limit(connection)
                yield connection
                connection.rollback()
        except DBAPIError as error:
            raise Away(f"{self.name} 出错：{said_by(error)}；请检查数据库、账号权限与 feeds.yaml") from error
        except SQLAlchemyError as error:
            raise Away(f"{self.name} 读不了（{str(error).splitlines()[0]:.120}）；请核对 feeds.yaml") from error

    def _limit(self, connection: Connection) -> None:
        milliseconds = round(self._timeout_s * 1000)
        kind = connection.dialect.name
        if kind == "postgresql":
            connection.execute(text("SET TRANSACTION READ ONLY"))
            connection.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))
            connection.execute(text(f"SET LOCAL lock_timeout = {milliseconds}"))
        elif kind in ("mysql", "mariadb"):
            connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
            maria = getattr(connection.dialect, "is_mariadb", False)
            limit = f"max_statement_time = {self._timeout_s}" if maria else f"max_execution_time = {milliseconds}"
            connection.execute(text(f"SET SESSION {limit}"))
            connection.commit()

    @contextmanager
    def _watched(self, connection: Connection) -> Generator[None, None, None]:
        """Ends what stands still, where the server cannot do it: `Moves` of `moves_of` must be told what moves."""
        moves = connection.info["moves"] = Moves(self._timeout_s)
        driver: Any = connection.connection.driver_connection
        if connection.dialect.name == "sqlite":
            driver.set_progress_handler(moves.late, 10_000)
        watch = Watch(driver.fileno(), moves) if connection.dialect.name == "postgresql" else None
        try:
            yield
        finally:
            if watch is not None:
                watch.end()

    def close(self) -> None:
        """Forgets connections."""
        self._engine.dispose()


class Moves:
    """When something last moved on a connection."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s, self._last = limit_s, time.monotonic()

    def moved(self) -> None:
        """Something came."""
        self._last = time.monotonic()

    def late(self, grace_s: float = 0.0) -> bool:
        """True when nothing came for the limit and the grace."""
        return time.monotonic() - self._last > self._limit_s + grace_s


def moves_of(connection: Connection) -> Moves:
    """The connection's clock of movements."""
    found: Moves = connection.info["moves"]
    return found


class Watch(threading.Thread):
    """Shuts the socket of a server that stands still: it would keep us waiting for ever."""

    def __init__(self, handle: int, moves: Moves) -> None:
        super().__init__(name="sql-watch", daemon=True)
        self._handle, self._moves, self._ends = os.dup(handle), moves, threading.Event()
        self.start()

    def run(self) -> None:
        """Watches until ended."""
        with socket.socket(fileno=self._handle) as line:
            while not self._ends.wait(0.5):
                if self._moves.late(GRACE_S):
                    with suppress(OSError):
                        line.shutdown(socket.SHUT_RDWR)
                    return

    def end(self) -> None:
        """Stops watching."""
        self._ends.set()
        self.join(2)


def _sqlite(url: URL) -> sqlite3.Connection:
    """A file opened for reading only."""
    path = Path(url.database or "")
    if not path.is_file():
        raise Away(f"没有 SQLite 文件 {path}；请核对环境变量里的地址（sqlite:////绝对路径）")
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=CONNECT_S,
                           check_same_thread=False)


def said_by(error: DBAPIError) -> str:
    """What the database said, in Chinese where it is one of the usual things; statements and values stay out of it."""
    cause = error.orig
    said = " ".join(str(cause.args[-1] if cause is not None and cause.args else cause or error).split())
    words = next((words for sign, words in _SAID if sign in said.lower()), "")
    if words in _CLEAR:
        return words
    return f"{words}（{said[:MOST_SAID]}）" if words else said[:MOST_SAID]
