"""DuckDB behind Ibis, for the writer: bounded memory and threads, spilling under the history's own folder."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import ibis
from ibis.backends.duckdb import Backend

from data.errors import Unavailable

TEMPORARY = "tmp"
NICE = 10
T = TypeVar("T")
# No extension is ever fetched: the machine may have no network, and none is needed.
OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


@contextmanager
def engine(root: Path, memory: str = "1GB") -> Iterator[Backend]:
    """A short-lived backend for heavy writing; its scratch folder is removed afterwards.

    Raises:
        Unavailable: DuckDB gave up (disk full, out of memory, a file damaged).
    """
    scratch = root / TEMPORARY / secrets.token_hex(4)
    scratch.mkdir(parents=True)
    config: dict[str, Any] = {"threads": 2, "memory_limit": memory, "temp_directory": str(scratch), **OFFLINE}
    connection = duckdb.connect(config=config)
    try:
        yield ibis.duckdb.from_connection(connection)
    except duckdb.Error as error:
        sentence = f"历史 {root} 处理失败（{first_line(error)}）；请检查磁盘空间，损坏的文件请从备份恢复"
        raise Unavailable(sentence) from error
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)


def gently(work: Callable[[], T]) -> T:
    """Runs heavy work in a thread of low priority, which its DuckDB threads inherit: pages come first."""
    answer: Future[T] = Future()

    def run() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            answer.set_exception(error)

    threading.Thread(target=run, name="heavy", daemon=True).start()
    return answer.result()


def first_line(error: BaseException) -> str:
    """The first line of a message, short enough for one sentence."""
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
