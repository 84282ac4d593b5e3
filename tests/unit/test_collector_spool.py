"""The spool: order, torn tails, damaged frames, a full disk, and what may be dropped."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from data.batches import Batch
from data.errors import Unavailable
from data.spool import KEEP_S, SEGMENT_BYTES, Spool, decode, encode

Opener = Callable[..., Spool]


@pytest.fixture
def open_spool() -> Iterator[Opener]:
    """Opens spools and closes them after the test."""
    opened: list[Spool] = []

    def make(*args: Any, **options: Any) -> Spool:
        opened.append(Spool(*args, **options))
        return opened[-1]

    yield make
    for spool in opened:
        spool.close()


def batch(seq0: int, rows: int = 2, text: str = "x") -> Batch:
    return Batch(seq0, seq0 + rows - 1, "f", "event", 5, [{"seq": seq0 + i, "id": text} for i in range(rows)])


def test_frames_come_back_in_order_after_a_number(open_spool: Opener, tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.append([batch(1), batch(3)])
    spool.append([batch(5, text="于都")])
    assert list(spool.frames(0)) == [batch(1), batch(3), batch(5, text="于都")]
    assert list(spool.frames(3)) == [batch(3), batch(5, text="于都")]
    assert list(spool.frames(4)) == [batch(5, text="于都")]
    assert list(spool.frames(6)) == []
    assert open_spool(tmp_path).last_seq == 6


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_torn_tail_is_cut_off_and_named_once(open_spool: Opener, tmp_path: Path, cut: int,
                                               caplog: pytest.LogCaptureFixture) -> None:
    spool = open_spool(tmp_path)
    spool.append([batch(1), batch(3)])
    spool.close()
    path = next(tmp_path.glob("*.jsonl"))
    whole = len(encode(batch(1)))
    os.truncate(path, path.stat().st_size - cut)
    with caplog.at_level(logging.WARNING):
        again = open_spool(tmp_path)
    assert [record.getMessage() for record in caplog.records] == [
        f"spool {path.name}: torn tail of {whole - cut} bytes cut off"]
    assert again.last_seq == 2
    assert path.stat().st_size == whole
    again.append([batch(3)])
    assert list(open_spool(tmp_path).frames(0)) == [batch(1), batch(3)]


def test_a_damaged_frame_is_seen_and_the_others_stay(open_spool: Opener, tmp_path: Path,
                                                     caplog: pytest.LogCaptureFixture) -> None:
    spool = open_spool(tmp_path)
    spool.append([batch(1), batch(3), batch(5)])
    spool.close()
    path = next(tmp_path.glob("*.jsonl"))
    raw = bytearray(path.read_bytes())
    raw[len(encode(batch(1))) + 40] ^= 1
    path.write_bytes(raw)
    again = open_spool(tmp_path)
    assert again.last_seq == 6
    assert list(again.frames(0)) == [batch(1), batch(5)]
    assert "damaged frame" in caplog.text


def test_crc_and_length_are_checked() -> None:
    line = encode(batch(1))
    assert decode(line) == batch(1)
    assert decode(line[:-1]) is None
    assert decode(b"00000000" + line[8:]) is None
    assert decode(line.replace(b'"id":"x"', b'"id":"y"', 1)) is None
    assert decode(b"\n") is None


class SmallDisk:
    """A file on a disk with room for `room` more bytes."""

    room = 0

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, data: Any) -> int:
        taken = min(len(data), SmallDisk.room)
        if taken == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        SmallDisk.room -= taken
        return self._file.write(data[:taken])

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()


def small_disk(path: Path) -> BinaryIO:
    return SmallDisk(path)  # type: ignore[return-value]


def test_a_full_disk_accepts_nothing_by_halves_and_goes_on_later(open_spool: Opener, tmp_path: Path) -> None:
    one = len(encode(batch(1)))
    spool = open_spool(tmp_path, opener=small_disk)
    SmallDisk.room = 2 * one + 10
    spool.append([batch(1)])
    with pytest.raises(Unavailable, match=r"没有写入磁盘.*请腾出"):
        spool.append([batch(3), batch(5)])
    assert spool.last_seq == 2
    assert list(spool.frames(0)) == [batch(1)]
    assert list(open_spool(tmp_path).frames(0)) == [batch(1)]
    SmallDisk.room = 10 * one
    spool.append([batch(3), batch(5)])
    assert list(spool.frames(0)) == [batch(1), batch(3), batch(5)]
    assert list(open_spool(tmp_path).frames(0)) == [batch(1), batch(3), batch(5)]


def test_a_failed_fsync_is_a_refusal(open_spool: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = open_spool(tmp_path)
    spool.append([batch(1)])

    def fails(_handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fails)
        with pytest.raises(Unavailable):
            spool.append([batch(3)])
    spool.append([batch(3, text="again")])
    assert list(spool.frames(0)) == [batch(1), batch(3, text="again")]


def test_old_segments_go_when_both_readers_passed_them(open_spool: Opener, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.spool.SEGMENT_BYTES", 1)
    clock = {"now": 0.0}
    spool = open_spool(tmp_path, now=lambda: clock["now"])
    for seq in (1, 3, 5):
        spool.append([batch(seq)])
    names = sorted(tmp_path.glob("*.jsonl"))
    assert len(names) == 3
    for path in names:
        os.utime(path, (1000, 1000))
    clock["now"] = 1000 + KEEP_S - 1
    assert spool.drop_until(6) == 0
    clock["now"] = 1000 + KEEP_S
    assert spool.drop_until(3) == 1
    assert spool.drop_until(1) == 0
    assert list(spool.frames(0)) == [batch(3), batch(5)]
    assert spool.drop_until(6) == 1
    assert list(spool.frames(0)) == [batch(5)]
    assert SEGMENT_BYTES > 1
