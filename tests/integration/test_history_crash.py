"""A process that dies at any step of a commit or a bulk publish leaves a history that opens and holds rows once."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.batches import Batch
from data.history import HistoryReader, HistoryWriter, Span
from data.records import parse

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
T0, DAY = 1_795_132_800_000_000, 86_400_000_000
# Dies for good at the n-th call of a function: no clean-up of Python's runs.
DYING = """
import os, sys
sys.path[:0] = [{root!r}, {here!r}]
import test_history_crash as story
from data import history_files, history_write, manifest
from pathlib import Path
module, name, when = {module}, {name!r}, {when}
real, calls = getattr(module, name), []
def dying(*args, **more):
    calls.append(1)
    if len(calls) == {number}:
        if when == "after":
            real(*args, **more)
        os._exit(9)
    return real(*args, **more)
setattr(module, name, dying)
{act}
"""


def row(seq, time):
    found = parse("observation", {"station": "s", "metric": "m", "time": time, "value": float(seq)})
    return {**found, "seq": seq, "prev": 0, "received": seq, "feed": "air", "code": ""}


def batches():
    return [Batch(seq, seq + 1, "air", "observation", seq, [row(seq, T0 + seq), row(seq + 1, T0 - 40 * DAY + seq)])
            for seq in range(1, 9, 2)]


def live(root):
    """What the collector does after a start: replay all, commit."""
    writer = HistoryWriter(root)
    for batch in batches():
        writer.append(batch)
        writer.commit()


def staged(root):
    path = root.parent / "in.parquet"
    times = [T0 + n for n in range(100, 140)] + [T0 - 40 * DAY + n for n in range(100, 140)]
    pq.write_table(pa.table({"station": ["b"] * 80, "metric": ["m"] * 80, "time": times, "value": [1.0] * 80}), path)
    return path


def bulk(root):
    writer = HistoryWriter(root)
    writer.publish_bulk("observation", "air", [staged(root)], writer.last_seq + 1)


def die(root, act, module, name, number, when):
    code = DYING.format(root=str(ROOT), here=str(Path(__file__).parent), module=module, name=name, number=number,
                        when=repr(when), act=f"story.{act}(Path({str(root)!r}))")
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 9, ended.stderr


def seqs(root):
    return sorted(HistoryReader(root).rows("observation", Span(0, 2**62), columns=["seq"])["seq"].to_pylist())


@pytest.mark.parametrize(("module", "name", "number", "when"), [
    ("history_write", "write_manifest", 3, "before"), ("history_write", "write_manifest", 2, "after"),
    ("history_write", "write_sorted", 2, "before"), ("manifest.os", "fsync", 9, "before")])
def test_live_rows_are_there_once_after_a_crash_and_a_replay(tmp_path, module, name, number, when):
    root = tmp_path / "history"
    die(root, "live", module, name, number, when)
    half = seqs(root)
    assert half == list(range(1, len(half) + 1))
    assert HistoryReader(root).manifest().checkpoint == len(half)
    live(root)
    assert seqs(root) == list(range(1, 9))
    assert len(list(root.glob("observation/*/*"))) == len(HistoryReader(root).manifest().files)


@pytest.mark.parametrize(("name", "when", "shown"), [("write_manifest", "before", 8), ("write_manifest", "after", 88)])
def test_a_bulk_is_shown_whole_or_not_at_all(tmp_path, name, when, shown):
    root = tmp_path / "history"
    live(root)
    die(root, "bulk", "history_write", name, 1, when)
    assert len(seqs(root)) == shown
    bulk(root)
    assert len(seqs(root)) == 88
    assert not list((root / "tmp").glob("*"))
