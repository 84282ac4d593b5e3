"""What was acknowledged and Redis forgot: noted, looked for, handed in as one, and let go of only when it is safe."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from data import owed as module
from data.acknowledged import NAME, Note, append_notes, read_notes
from data.batches import Batch, Verdict
from data.errors import Unavailable
from data.owed import Owed, left_over
from data.spool import Spool


def batch(seq: int, feed: str = "gauges") -> Batch:
    return Batch(seq, seq, feed, "observation", 1, [{"seq": seq, "value": float(seq)}])


class Tail:
    """The part of the state that is asked: a tail that forgets."""

    def __init__(self) -> None:
        self.kept: dict[int, Batch] = {}

    def holds(self, seq1: int) -> bool:
        return seq1 in self.kept

    def last_seq(self) -> int:
        return max(self.kept, default=0)

    def tail(self, after: int) -> list[Batch]:
        return [self.kept[seq] for seq in sorted(self.kept) if seq > after][:2]


class Counted(Spool):
    """Counts how often it is read."""

    read = 0

    def frames(self, after_seq: int) -> Iterator[Batch]:
        self.read += 1
        return super().frames(after_seq)


class World:
    """One collector's notes over a tail, and what was handed in and announced."""

    def __init__(self, folder: Path) -> None:
        self.tail, self.spool = Tail(), Counted(folder)
        self.handed: list[Batch] = []
        self.announced: list[int] = []
        self.mine, self.away = True, False
        self.answer = Verdict(1, 0, ())
        self.owed = Owed(self.tail, self.spool, folder, self.announce)  # type: ignore[arg-type]
        self.owed.takes, self.owed.take_up = lambda _feed: self.mine, self.take_up

    def announce(self, told: Batch) -> None:
        if self.away:
            raise Unavailable("away")
        self.announced.append(told.seq1)

    def take_up(self, told: Batch) -> Future[Verdict] | None:
        self.handed.append(told)
        future: Future[Verdict] = Future()
        future.set_result(self.answer)
        return future

    def publish(self, *batches: Batch, lost: bool = False) -> None:
        self.owed.check(self.tail.last_seq())
        self.spool.append(batches)
        self.owed.add(batches)
        if not lost:
            self.tail.kept |= {one.seq1: one for one in batches}
        self.owed.landed()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    monkeypatch.setattr(module, "QUIET_S", 0.0)
    found = World(tmp_path)
    yield found
    found.spool.close()


def test_what_the_history_holds_is_let_go(world: World) -> None:
    world.publish(batch(1), batch(2), batch(3))
    world.owed.look(2)
    assert (world.owed.numbers, world.owed.first) == ({3}, 3)


def test_an_old_master_that_lacks_what_the_history_read_since_settles_nothing(world: World) -> None:
    world.publish(batch(1), batch(2))
    world.owed.look(9)
    assert world.owed.numbers == {1, 2}, "9 is on the new master only, and 1 and 2 on the old one"
    del world.tail.kept[2], world.tail.kept[1]
    world.tail.kept[9] = batch(9)
    world.owed.look(9)
    assert [(one.seq0, one.seq1) for one in world.handed] == [(1, 2)]


def test_all_that_is_missing_of_a_feed_is_handed_in_as_one_and_read_once(world: World) -> None:
    world.publish(batch(1), batch(2, "cases"), batch(3), batch(4))
    world.tail.kept.clear()
    world.tail.kept[5] = batch(5)
    world.owed.look(5)
    assert [(one.feed, [row["seq"] for row in one.rows]) for one in world.handed] == [("gauges", [1, 3, 4]),
                                                                                      ("cases", [2])]
    assert world.spool.read == 1
    world.owed.look(5)
    assert (world.owed.numbers, sorted(world.announced)) == (set(), [2, 4])


def test_nothing_is_read_while_another_holds_the_feed_and_it_is_told(world: World) -> None:
    world.mine = False
    world.publish(batch(1))
    world.tail.kept = {5: batch(5)}
    world.owed.look(5)
    assert (world.spool.read, world.handed, world.owed.first) == (0, [], 1)
    status = world.owed.status()
    assert (status["batches"], status["missing"], status["feeds"]) == (1, 1, ["gauges"])


def test_what_is_being_published_is_not_missing(world: World) -> None:
    world.publish(batch(1))
    world.owed.add([batch(2)])
    world.owed.check()
    assert world.owed.status()["missing"] == 0
    world.owed.landed()
    world.owed.check()
    assert world.owed.status()["missing"] == 1
    world.tail.kept |= {2: batch(2), 3: batch(3)}
    world.owed.look(3)
    assert (world.handed, world.owed.status()["missing"]) == ([], 0), "carried out after all"


def test_a_telling_that_fails_is_told_again(world: World) -> None:
    world.publish(batch(1), lost=True)
    world.tail.kept[2] = batch(2)
    world.owed.look(2)
    world.away = True
    with pytest.raises(Unavailable):
        world.owed.look(2)
    assert world.owed.numbers == {1}
    world.away = False
    world.owed.look(2)
    assert (world.announced, world.owed.numbers, len(world.handed)) == ([1], set(), 1)


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_notes_are_added_wholly_or_not_at_all(tmp_path: Path) -> None:
    path, note = tmp_path / NAME, Note(1, "gauges", 7.0)
    append_notes(path, {2: note})
    size = path.stat().st_size
    with no_room(size + 5), pytest.raises(Unavailable, match="写不进去"):
        append_notes(path, {3: note})
    assert path.stat().st_size == size
    append_notes(path, {4: note})
    assert read_notes(path) == {2: note, 4: note}


@pytest.mark.parametrize("torn", ["1", "100 1", "100 10", "100"])
def test_a_torn_line_does_not_spoil_the_next(tmp_path: Path, torn: str) -> None:
    path, note = tmp_path / NAME, Note(101, "gauges", 7.0)
    path.write_text(torn)
    append_notes(path, {105: note})
    assert read_notes(path) == {105: note}


def left(tmp_path: Path) -> tuple[Spool, Path]:
    spool, path = Spool(tmp_path), tmp_path / NAME
    spool.append([batch(1), batch(2, "cases"), batch(3)])
    spool.close()
    append_notes(path, {1: Note(1, "gauges", 7.0), 3: Note(3, "gauges", 7.0)})
    return spool, path


def test_the_only_collector_takes_up_what_is_left_of_several(tmp_path: Path) -> None:
    spool, path = left(tmp_path)
    handed: list[list[Any]] = []
    answer: Future[Verdict] = Future()

    def take_up(told: Batch) -> Future[Verdict]:
        handed.append([row["seq"] for row in told.rows])
        return answer

    left_over(spool, tmp_path, take_up)
    assert (handed, len(read_notes(path))) == ([[1, 3]], 2)
    answer.set_result(Verdict(0, 2, ()))
    assert read_notes(path) == {}


def test_what_could_not_be_taken_up_is_left_for_the_next_start(tmp_path: Path) -> None:
    spool, path = left(tmp_path)
    answer: Future[Verdict] = Future()
    left_over(spool, tmp_path, lambda _told: answer)
    answer.set_exception(Unavailable("full"))
    assert len(read_notes(path)) == 2
