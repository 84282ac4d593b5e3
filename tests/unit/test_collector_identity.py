"""New, duplicate, correction: A, B, A are three versions; buckets come from history and leave memory only when safe."""

from __future__ import annotations

import random

import pytest

from data.identity import DAY_US, EVER_US, HOUR_US, Bucket, IdentityIndex


class FakeHistory:
    def __init__(self) -> None:
        self.rows: list[tuple[bytes, bytes, int, int]] = []
        self.asked: list[tuple[str, str, int, int]] = []

    def identities(self, kind: str, feed: str, start_us: int, end_us: int) -> list[tuple[bytes, bytes, int]]:
        self.asked.append((kind, feed, start_us, end_us))
        return [(digest, content, seq) for digest, content, seq, at in self.rows if start_us <= at < end_us]


X, A, B = b"x" * 16, b"a" * 8, b"b" * 8


def index_and_bucket(history: FakeHistory | None = None, at: int = 0) -> tuple[IdentityIndex, Bucket]:
    index = IdentityIndex(history or FakeHistory())
    return index, index.bucket("observation", "f", at, DAY_US)


def test_a_b_a_are_three_versions() -> None:
    index, bucket = index_and_bucket()
    assert index.judge(bucket, X, A, 1) == 0
    assert index.judge(bucket, X, A, 2) == -1
    assert index.judge(bucket, X, B, 2) == 1
    assert index.judge(bucket, X, A, 3) == 2
    assert index.judge(bucket, X, A, 4) == -1


def test_what_history_holds_is_known() -> None:
    history = FakeHistory()
    history.rows = [(X, A, 7, DAY_US + 5), (X, B, 9, 3 * DAY_US)]
    index, bucket = index_and_bucket(history, DAY_US + 5)
    assert index.judge(bucket, X, A, 20) == -1
    assert index.judge(bucket, X, B, 20) == 7
    index.bucket("observation", "f", 2 * DAY_US - 1, DAY_US)
    assert history.asked == [("observation", "f", DAY_US, 2 * DAY_US)], "a bucket is read once"


def test_kinds_without_a_day_have_one_bucket() -> None:
    history = FakeHistory()
    history.rows = [(X, A, 7, 0)]
    index = IdentityIndex(history)
    assert index.judge(index.bucket("asset", "f", 0, EVER_US), X, A, 8) == -1


def test_roll_back_undoes_everything_since_the_mark() -> None:
    index, bucket = index_and_bucket()
    index.judge(bucket, X, A, 1)
    index.settle()
    index.judge(bucket, X, B, 2)
    mark = index.mark()
    index.judge(bucket, b"y" * 16, A, 3)
    index.judge(bucket, X, A, 4)
    index.roll_back(mark)
    assert index.judge(bucket, X, B, 5) == -1
    index.roll_back()
    assert index.judge(bucket, X, A, 6) == -1
    assert index.judge(bucket, b"y" * 16, A, 6) == 0


def test_only_committed_buckets_leave_memory() -> None:
    history = FakeHistory()
    index = IdentityIndex(history, most=1)
    for day in range(3):
        index.judge(index.bucket("event", "f", day * DAY_US, DAY_US), X, A, day + 1)
    index.committed(1)
    index.bucket("event", "f", 1 * DAY_US, DAY_US)
    assert len(history.asked) == 3, "day 1 holds rows that history does not have"
    index.bucket("event", "f", 0, DAY_US)
    assert len(history.asked) == 4, "day 0 was let go"


def test_forget_reads_again() -> None:
    history = FakeHistory()
    index, bucket = index_and_bucket(history)
    assert index.judge(bucket, X, A, 1) == 0
    history.rows = [(X, B, 5, 0)]
    index.forget("observation", "other")
    index.forget("observation", "f")
    assert index.judge(index.bucket("observation", "f", 0, DAY_US), X, B, 9) == -1


@pytest.mark.parametrize("seed", range(6))
def test_a_dense_hour_is_divided_and_says_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.identity.DENSE", 40)
    chance, history = random.Random(seed), FakeHistory()
    index, truth, waiting = IdentityIndex(history, most=60), dict[bytes, tuple[bytes, int]](), list[tuple[bytes, int]]()
    at: dict[bytes, int] = {}
    for seq in range(1, 3000):
        digest = chance.randrange(600).to_bytes(16, "big")
        time = at.setdefault(digest, chance.randrange(HOUR_US) if chance.random() < 0.5 else seq * HOUR_US // 3000)
        content = chance.choice((A, B))
        old = truth.get(digest)
        expected = 0 if old is None else -1 if old[0] == content else old[1]
        assert index.judge(index.bucket("observation", "f", time, HOUR_US), digest, content, seq) == expected
        if chance.random() < 0.2:
            index.roll_back()
        else:
            index.settle()
            if expected >= 0:
                truth[digest] = (content, seq)
                waiting.append((digest, seq))
        if chance.random() < 0.03:
            upto = waiting[len(waiting) // 2][1] if waiting and chance.random() < 0.5 else seq
            waiting = [item for item in waiting if item[1] > upto]
            history.rows = [(key, said, number, at[key]) for key, (said, number) in truth.items() if number <= upto]
            index.committed(upto)
    assert len({asked[2:] for asked in history.asked}) > 20, "parts of the hour were read, not the hour"


def test_a_dense_hour_does_not_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.identity.DENSE", 1000)
    index, most = IdentityIndex(FakeHistory(), most=1500), 0
    for seq in range(1, 30_001):
        time = seq * HOUR_US // 30_001
        index.judge(index.bucket("observation", "f", time, HOUR_US), seq.to_bytes(16, "big"), A, seq)
        index.settle()
        if seq % 500 == 0:
            index.committed(seq - 200)
            most = max(most, index.size)
    assert most <= 3000
