"""Writing the history: buffered live rows, commits, bulk publishes and compaction; one writer at a time."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from data.batches import Batch
from data.clock import Clock
from data.durable import make_folder
from data.errors import Unavailable
from data.history_bulk import BulkJob
from data.history_compact import merge, mergeable
from data.history_engine import TEMPORARY, engine, gently
from data.history_files import Columns, by_partition, write_sorted
from data.history_pending import Pending
from data.history_rework import Rework
from data.manifest import MOST_LOADS, FileEntry, Load, Manifest, read_manifest, sync_folder, write_manifest
from data.records import KINDS

KEEP_GARBAGE_S = 300.0


class HistoryWriter:
    """The only writer of a history. Safe to call from several threads; append never waits for a commit or a bulk.

    Raises (at opening and in every method that writes):
        Unavailable: the manifest is damaged or names a missing file, or the disk refuses.
    """

    def __init__(self, root: Path, clock: Clock | None = None) -> None:
        self.root = root
        self._clock = clock or Clock()
        self._pending = Pending()
        self._publish_lock = threading.RLock()
        # A bulk publish and a compaction exclude one another: while a bulk runs, new files are live commits only.
        self._heavy_lock = threading.Lock()
        make_folder(root)
        self._manifest = read_manifest(root)
        self._remove_orphans()

    @property
    def manifest(self) -> Manifest:
        """What is published now."""
        return self._manifest

    @property
    def checkpoint(self) -> int:
        """Every live row with seq ≤ this is in the files: the spool is replayed from here."""
        return self._manifest.checkpoint

    @property
    def last_seq(self) -> int:
        """The greatest number used so far in files and buffers, live or bulk; new numbers start above it."""
        return max(self._manifest.last_seq, self._pending.appended)

    def append(self, batch: Batch) -> None:
        """Buffers a batch. Batches come in the order of their numbers; one that is already in is ignored (replay)."""
        self._pending.append(batch, self._manifest.checkpoint)

    def commit(self) -> None:
        """Writes the buffers, a file per kind and month; one rename shows all rows and moves the checkpoint.

        When it fails nothing is shown and the rows stay buffered for the next try.
        """
        with self._publish_lock:
            taken, upto = self._pending.take()
            if not taken and upto <= self._manifest.checkpoint:
                return
            try:
                self._show(lambda: self._write(taken), upto)
            except BaseException:
                self._pending.give_back(taken)
                raise

    def _write(self, taken: dict[str, Columns]) -> Iterable[FileEntry]:
        for kind, columns in taken.items():
            for partition, rows in by_partition(kind, columns.table()):
                yield write_sorted(self.root, kind, partition, rows)

    def _show(self, make: Callable[[], Iterable[FileEntry]], checkpoint: int = 0, load: Load | None = None,
              gone: tuple[FileEntry, ...] = ()) -> None:
        """Publishes new files and withdraws old ones by one rename; removes the new ones if that fails."""
        made: list[FileEntry] = []
        try:
            for entry in make():
                made.append(entry)
            with self._publish_lock:
                old, names = self._manifest, {entry.path for entry in gone}
                files = (*(entry for entry in old.files if entry.path not in names), *made)
                garbage = (*old.garbage, *((path, time.time()) for path in sorted(names)))
                loads = (*old.loads, load)[-MOST_LOADS:] if load else old.loads
                new = Manifest(old.version + 1, max(old.checkpoint, checkpoint), old.bulk + bool(load), files, garbage,
                               loads)
                write_manifest(self.root, new)
                self._manifest = new
        except OSError as error:
            self._discard(made)
            raise _refused(self.root, error) from error
        except BaseException:
            self._discard(made)
            raise

    def _discard(self, made: list[FileEntry]) -> None:
        for entry in made:
            (self.root / entry.path).unlink(missing_ok=True)

    def publish_bulk(self, kind: str, feed: str, paths: list[Path], first_seq: int) -> tuple[int, int]:
        """Publishes staged canonical Parquet of one feed; returns (accepted, duplicate).

        The files hold the kind's fields by name (times int64 µs or timestamps; absent optional fields are empty) and
        may hold code, demo and, for demo rows, received. Within the files the last row of an identity counts; rows
        equal to the current version are duplicates, others become versions. Reserve as many numbers from first_seq on
        as there are rows. Live rows of the same identities that arrive meanwhile win over the files.

        Raises:
            ValueError: first_seq was already used.
            WrongInput: a file is no Parquet, or lacks or leaves empty a required column.
        """
        with self._heavy_lock:
            return gently(lambda: self._bulk(kind, feed, paths, first_seq))

    def _bulk(self, kind: str, feed: str, paths: list[Path], first_seq: int) -> tuple[int, int]:
        self.commit()
        if first_seq <= self.last_seq:
            raise ValueError(f"序号 {first_seq} 已用过，现在最大的是 {self.last_seq}")
        with engine(self.root) as backend:
            job = BulkJob(backend, self.root, kind, feed, self._clock.now_us())
            try:
                made = job.stage(paths, first_seq, lambda: self._manifest)
                with self._publish_lock:
                    self.commit()
                    late = job.settle(made, self._manifest)
                    days, numbers = [entry.day1 for entry in late], [entry.seq1 for entry in late]
                    self._show(lambda: late, load=Load(kind, feed, max(days, default=0), max(numbers, default=0)))
            except OSError as error:
                job.discard()
                raise _refused(self.root, error) from error
            except BaseException:
                job.discard()
                raise
        accepted = sum(entry.rows for entry in late)
        return accepted, job.total - accepted

    def rework(self, work: Callable[[Rework], None]) -> None:
        """Publishes what `work` makes of files instead of those, by one rename; bulks and compaction wait.

        When it fails nothing is shown. Raises what `work` raises besides Unavailable.
        """
        with self._heavy_lock:
            gently(partial(self._rework, work))

    def _rework(self, work: Callable[[Rework], None]) -> None:
        self.commit()
        with engine(self.root) as backend:
            desk = Rework(backend, self.root, self._manifest)
            try:
                work(desk)
                if desk.made or desk.gone:
                    self._show(lambda: desk.made, load=desk.load, gone=tuple(desk.gone))
            except OSError as error:
                self._discard(desk.made)
                raise _refused(self.root, error) from error
            except BaseException:
                self._discard(desk.made)
                raise

    def compact(self) -> None:
        """Merges partitions with many small files, answers unchanged; deletes files withdrawn ≥ 5 minutes ago."""
        with self._heavy_lock:
            for group in mergeable(self._manifest):
                gently(partial(self._merge, group))
            self._delete_garbage(time.time())

    def _merge(self, group: tuple[FileEntry, ...]) -> None:
        with engine(self.root) as backend:
            self._show(partial(merge, backend, self.root, group), gone=group)

    def _delete_garbage(self, now_s: float) -> None:
        with self._publish_lock:
            old = self._manifest
            dead = {path for path, since in old.garbage if now_s - since >= KEEP_GARBAGE_S}
            if not dead:
                return
            for path in dead:
                (self.root / path).unlink(missing_ok=True)
            left = tuple(item for item in old.garbage if item[0] not in dead)
            self._manifest = replace(old, version=old.version + 1, garbage=left)
            write_manifest(self.root, self._manifest)

    def _remove_orphans(self) -> None:
        """Files that a crash left unnamed can never be seen: they go."""
        shutil.rmtree(self.root / TEMPORARY, ignore_errors=True)
        named = {entry.path for entry in self._manifest.files} | {path for path, _ in self._manifest.garbage}
        for kind in KINDS:
            for path in (self.root / kind).glob("*/*"):
                if str(path.relative_to(self.root)) not in named:
                    path.unlink()
        with suppress(FileNotFoundError):
            (self.root / "manifest.json.tmp").unlink()
        sync_folder(self.root)


def _refused(root: Path, error: OSError) -> Unavailable:
    return Unavailable(f"历史写不进 {root}（{error.strerror or error}）；请检查磁盘空间与权限")
