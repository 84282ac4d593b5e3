"""Spark as the engine of questions: the Parquet files of a folder, read by the machines of a cluster.

Optional: `requirements-spark.txt` and a Java runtime. Writing stays with the collector, which writes the same folder.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import ibis
import pyarrow as pa

from data.errors import Unavailable, WrongInput
from data.history_dialect import SPARK
from data.history_engine import first_line
from data.history_files import SCHEMA
from data.history_parquet import ManifestFile
from data.manifest import FileEntry, Manifest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_VIEWS = 256
_TYPES = {pa.string(): "STRING", pa.float64(): "DOUBLE", pa.int64(): "BIGINT", pa.bool_(): "BOOLEAN"}
_SETTINGS = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "8",
             "spark.ui.showConsoleProgress": "false", "spark.task.maxFailures": "4", "spark.log.level": "ERROR"}


def folder_of(url: str) -> Path:
    """The folder of spark://host:port/folder: the same path on every machine of the cluster.

    Raises:
        WrongInput: no host, port or folder.
    """
    try:
        told = urlsplit(url)
        whole = bool(told.hostname and told.port and len(told.path) > 1)
    except ValueError:
        whole = False
    if not whole:
        raise WrongInput("设置 YIPING_HISTORY_URL 的 Spark 地址看不懂；应写成 spark://主机:端口/历史目录的绝对路径")
    return Path(told.path)


class SparkEngine:
    """Files of a folder behind a cluster's master; safe to use from several threads, as a Spark session is."""

    dialect = SPARK
    exact = True

    def __init__(self, url: str) -> None:
        self.root = folder_of(url)
        told = urlsplit(url)
        self._master = f"spark://{told.hostname}:{told.port}"
        self._file = ManifestFile(self.root)
        self._lock = threading.Lock()
        self._session: SparkSession | None = None
        self._backend: Any = None
        self._views: dict[str, ibis.Table] = {}

    def manifest(self) -> Manifest:
        """What the manifest names now."""
        return self._file.read()

    def table(self, kind: str, files: Sequence[FileEntry]) -> ibis.Table:
        """A view over exactly these files; kept, because most questions come again with the same files."""
        paths = [str(self.root / entry.path) for entry in files]
        name = f"{kind}_{hashlib.blake2b(chr(10).join(paths).encode(), digest_size=8).hexdigest()}"
        with self._lock:
            if name not in self._views:
                try:
                    self._make_view(name, kind, paths)
                except Exception as error:
                    raise self._away(error) from error
            return self._views[name]

    def _make_view(self, name: str, kind: str, paths: list[str]) -> None:
        session = self._connected()
        while len(self._views) >= _VIEWS:
            oldest = next(iter(self._views))
            session.catalog.dropTempView(oldest)
            del self._views[oldest]
        columns = ", ".join(f"`{column.name}` {_TYPES[column.type]}" for column in SCHEMA[kind])
        if paths:
            session.read.schema(columns).parquet(*paths).createOrReplaceTempView(name)
        else:
            # No files: a row of nothing that is left out, made without a Python on the workers.
            nothing = [f"CAST(NULL AS {_TYPES[column.type]}) AS `{column.name}`" for column in SCHEMA[kind]]
            session.range(1).selectExpr(*nothing).limit(0).createOrReplaceTempView(name)
        self._views[name] = self._backend.table(name)

    def _connected(self) -> SparkSession:
        if self._session is None:
            try:
                from pyspark.sql import SparkSession
            except ImportError as error:
                raise Unavailable("没有安装 pyspark；请运行 pip install -r requirements-spark.txt，"
                                  "并安装 Java 17（apt-get install openjdk-17-jre-headless）") from error
            builder = SparkSession.builder.master(self._master).appName("yiping")
            for name, value in _SETTINGS.items():
                builder = builder.config(name, value)
            self._session = builder.getOrCreate()
            self._backend = ibis.pyspark.connect(self._session)
        return self._session

    def run(self, expression: ibis.Table) -> pa.Table:
        """The rows of an expression over `table`."""
        try:
            with self._lock:
                session, query = self._connected(), self._backend.compile(expression)
            found: pa.Table = session.sql(query).toArrow()
            return found.cast(expression.schema().to_pyarrow())
        except Unavailable:
            raise
        except Exception as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> Unavailable:
        if isinstance(error, Unavailable):
            return error
        return Unavailable(f"分布式历史 {self._master} 没有完成（{first_line(error)}）；"
                           f"请检查主节点、工作节点与 {self.root}")

    def close(self) -> None:
        """Ends the session and its place in the cluster."""
        with self._lock:
            if self._session is not None:
                self._session.stop()
            self._session, self._backend, self._views = None, None, {}
