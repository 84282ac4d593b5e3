"""Writing a history on PostgreSQL: every commit and every bulk publish is one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from data.batches import Batch
from data.clock import Clock
from data.errors import Unavailable
from data.history_engine import engine, gently
from data.history_files import SCHEMA, Columns, by_partition, describe
from data.history_intake import Intake
from data.history_pending import Pending
from data.history_postgres import PostgresEngine, Server
from data.history_postgres_bulk import bring, stage
from data.history_postgres_tables import copy_in, make_partitions, partition_name, prepare, record_segment
from data.history_rework import Rework
from data.manifest import DAY_US, MOST_LOADS, FileEntry, Load, Manifest
from data.records import DAY_OF

# Entries of one partition before they are counted as one; the rows stay where they are.
MOST_SEGMENTS = 24
# The historian holds its lease meanwhile.
ANNOUNCE_S = 5.0
_MERGE = """
WITH gone AS (DELETE FROM segments WHERE kind = %(kind)s AND partition = %(partition)s RETURNING *)
INSERT INTO segments (kind, partition, rows, seq0, seq1, day0, day1, received1, feeds, replaced)
SELECT kind, partition, sum(rows), min(seq0), max(seq1), min(day0), max(day1), max(received1),
  (SELECT array_agg(DISTINCT feed ORDER BY feed) FROM gone AS g, unnest(g.feeds) AS feed), sum(replaced)
FROM gone GROUP BY kind, partition"""


class PostgresWriter:
    """A collector's writer; collectors of different names may write to one history at once.

    Safe to use from several threads; append never waits for a commit or a bulk. Raises (at opening and in every method
    that writes) Unavailable: the server cannot be reached or refuses; nothing is shown then, and what was appended
    waits for the next try.

    Args:
        server: the place's schema, which is made if it is not there.
        scratch: a folder for staged files on their way in.
        clock: gives the time of acceptance of bulk rows.
        collector: the collector's name, '' for the only one.
    """

    def __init__(self, server: Server, scratch: Path, clock: Clock | None = None, collector: str = "") -> None:
        self._server, self._scratch, self._collector = server, scratch, collector
        self._clock = clock or Clock()
        self._pending = Pending()
        self._publish_lock, self._heavy_lock = threading.Lock(), threading.Lock()
        self._written: set[tuple[str, str]] = set()
        scratch.mkdir(parents=True, exist_ok=True)
        self._engine = PostgresEngine(server)
        # A later program's tables are left alone.
        self._engine.manifest()
        prepare(server)
        self._checkpoint, self._last, self._loaded = server.ask(self._position)
        self._sent = self._checkpoint

    def _position(self, line: psycopg.Connection) -> tuple[int, int, int]:
        """This collector's checkpoint, the greatest number of all, and the greatest of this collector's bulks."""
        found = line.execute(
            "SELECT (SELECT coalesce(max(seq), 0) FROM checkpoints WHERE collector = %(name)s), last,"
            " (SELECT coalesce(max(seq1), 0) FROM loads WHERE collector = %(name)s) FROM numbers",
            {"name": self._collector}).fetchone()
        assert found is not None
        return int(found[0]), int(found[1]), int(found[2])

    @property
    def manifest(self) -> Manifest:
        """What is published now, by all collectors."""
        return self._engine.manifest()

    @property
    def checkpoint(self) -> int:
        """Every live row of this collector with seq ≤ this is in: the spool is replayed from here."""
        return self._checkpoint

    @property
    def last_seq(self) -> int:
        """The greatest number known to be used or reserved; new numbers start above it."""
        return max(self._last, self._checkpoint, self._loaded, self._pending.appended)

    def reserve(self, count: int) -> int:
        """The first of `count` numbers in a row that nobody else gets, above all that were used."""
        found = self._server.change(lambda line: line.execute(
            "UPDATE numbers SET last = last + %s RETURNING last", (count,)).fetchone())
        assert found is not None
        self._last = max(self._last, int(found[0]))
        return int(found[0]) - count + 1

    def claim(self, first: int, count: int) -> bool:
        """Takes the `count` numbers from `first` on; False where one of them, or a greater one, was taken before."""
        found = self._server.change(lambda line: line.execute(
            "UPDATE numbers SET last = %s WHERE last < %s RETURNING last", (first + count - 1, first)).fetchone())
        return found is not None

    def ceiling(self) -> int:
        """The greatest number that anybody has taken. Raises Unavailable."""
        return self._server.ask(self._position)[1]

    def reached(self) -> int:
        """The checkpoint as it stands now, whoever moved it. Raises Unavailable."""
        return self._server.ask(self._position)[0]

    def moved(self) -> bool:
        """Whether another than this writer has moved the checkpoint. Raises Unavailable."""
        return self.reached() not in (self._checkpoint, self._sent)

    def rejoin(self) -> None:
        """Drops what waits and looks where the checkpoint stands: another of several collectors may have moved it."""
        with self._publish_lock:
            self._checkpoint, self._last, self._loaded = self._server.ask(self._position)
            self._sent, self._pending = self._checkpoint, Pending()

    def append(self, batch: Batch) -> None:
        """Buffers a batch. Batches come in the order of their numbers; one that is already in is ignored (replay)."""
        self._pending.append(batch, self._checkpoint)

    def commit(self) -> None:
        """Writes the buffers; one transaction shows all rows and moves the checkpoint."""
        with self._publish_lock:
            self._flush()

    def _flush(self) -> None:
        taken, upto = self._pending.take()
        if not taken and upto <= self._checkpoint:
            return
        try:
            self._commit(taken, upto)
        except BaseException:
            self._pending.give_back(taken)
            raise

    def _commit(self, taken: dict[str, Columns], upto: int) -> None:
        parts = [(kind, partition, rows) for kind, columns in taken.items()
                 for partition, rows in by_partition(kind, columns.table())]
        make_partitions(self._server, [(kind, partition) for kind, partition, _ in parts])
        with self._server.lend() as line, line.transaction():
            done = self._already(line)
            self._sent = upto
            for kind, partition, rows in parts:
                self._write(line, kind, partition, rows.filter(pc.field("seq") > done))
            line.execute("INSERT INTO checkpoints VALUES (%s, %s) ON CONFLICT (collector) DO UPDATE SET seq ="
                         " excluded.seq", (self._collector, upto))
            _show(line, upto)
        self._checkpoint = upto

    def _already(self, line: psycopg.Connection) -> int:
        """The checkpoint that the rows reach. A commit whose answer was lost may have been made all the same."""
        line.execute("INSERT INTO checkpoints VALUES (%s, 0) ON CONFLICT DO NOTHING", (self._collector,))
        found = line.execute("SELECT seq FROM checkpoints WHERE collector = %s FOR UPDATE",
                             (self._collector,)).fetchone()
        done = int(found[0]) if found else 0
        if done not in (self._checkpoint, self._sent):
            raise Unavailable(f"历史数据库 {self._server.where} 里采集器“{self._collector}”的进度不是本进程写的；"
                              "请只留一个用这个名字的采集器，再重启它")
        return done

    def _write(self, line: psycopg.Connection, kind: str, partition: str, rows: pa.Table) -> None:
        if rows.num_rows:
            copy_in(line, kind, SCHEMA[kind].names, [rows])
            record_segment(line, describe(kind, f"{kind}/{partition}/", rows))
            self._written.add((kind, partition))

    def publish_bulk(self, kind: str, feed: str, paths: list[Path], first_seq: int) -> tuple[int, int]:
        """Publishes staged canonical Parquet of one feed; returns (accepted, duplicate).

        As HistoryWriter.publish_bulk says; a live row with a greater number than first_seq is the newer one.

        Raises:
            ValueError: first_seq was already used by this collector.
            WrongInput: a file is no Parquet, or lacks or leaves empty a required column.
        """
        with self._heavy_lock:
            return gently(lambda: self._bulk(kind, feed, paths, first_seq))

    def _bulk(self, kind: str, feed: str, paths: list[Path], first_seq: int) -> tuple[int, int]:
        self.commit()
        used = max(self._checkpoint, self._loaded)
        if first_seq <= used:
            raise ValueError(f"序号 {first_seq} 已用过，现在最大的是 {used}")
        with engine(self._scratch) as duck:
            intake = Intake(duck, kind, feed, self._clock.now_us())
            partitions = intake.partitions(paths)
            make_partitions(self._server, [(kind, partition) for partition in partitions])
            with self._server.lend() as line, line.transaction():
                stage(line, kind, duck, (intake.rows(*item) for item in partitions.items()))
                with self._publish_lock:
                    # What arrived live meanwhile is newer than the files: it must be there to be compared with.
                    self._flush()
                    made = bring(line, kind, feed, list(partitions), first_seq)
                    self._record(line, Load(kind, feed, max((entry.day1 for entry in made), default=0),
                                            max((entry.seq1 for entry in made), default=0)), made)
        accepted = sum(entry.rows for entry in made)
        self._loaded = max(self._loaded, first_seq + accepted - 1)
        self._written |= {(kind, entry.partition) for entry in made}
        return accepted, intake.total - accepted

    def _record(self, line: psycopg.Connection, load: Load, made: list[FileEntry]) -> None:
        for entry in made:
            record_segment(line, entry)
        line.execute("INSERT INTO loads (kind, feed, day1, seq1, collector) VALUES (%s, %s, %s, %s, %s)",
                     (load.kind, load.feed, load.day1, load.seq1, self._collector))
        line.execute("DELETE FROM loads WHERE id <= (SELECT max(id) FROM loads) - %s", (MOST_LOADS,))
        _show(line, load.seq1, 1)

    def announce(self, batch: Batch) -> None:
        """Has every reader read again what the tail may have told them otherwise.

        Raises:
            Unavailable: also where the server hangs; then it may have been done, and to do it again does no harm.
        """
        days = [row[DAY_OF[batch.kind]] // DAY_US for row in batch.rows] if DAY_OF[batch.kind] else []
        load = Load(batch.kind, batch.feed, max(days, default=0), batch.seq1)

        def told(line: psycopg.Connection) -> None:
            with line.transaction():
                self._record(line, load, [])

        self._server.change(told, ANNOUNCE_S)

    def rework(self, work: Callable[[Rework], None]) -> None:
        """Refused: there are no files to replace here."""
        raise Unavailable("历史在 PostgreSQL 里，不从导出装回，也不按文件清理；请用 pg_dump、pg_restore 备份与恢复")

    def compact(self) -> None:
        """Counts many small entries of the manifest as one and refreshes what the planner knows; answers unchanged."""
        with self._heavy_lock:
            with self._server.lend() as line, line.transaction():
                many = line.execute("SELECT kind, partition FROM segments GROUP BY 1, 2 HAVING count(*) > %s",
                                    (MOST_SEGMENTS,)).fetchall()
                for kind, partition in many:
                    line.execute(_MERGE, {"kind": kind, "partition": partition})
                if many:
                    _show(line, 0)
            written, self._written = self._written, set()
            gently(partial(self._refresh, sorted(written)))

    def _refresh(self, written: list[tuple[str, str]]) -> None:
        with self._server.lend() as line:
            for kind, partition in written:
                line.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(partition_name(kind, partition))))


def _show(line: psycopg.Connection, upto: int, bulk: int = 0) -> None:
    """Last in a transaction: the rows above it are held only for an instant."""
    line.execute("UPDATE numbers SET last = greatest(last, %s)", (upto,))
    line.execute("UPDATE manifest SET version = version + 1, bulk = bulk + %s", (bulk,))
