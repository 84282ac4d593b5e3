"""What memory holds of observations stays as large as what is true: replaced versions go when the old ones go."""

from __future__ import annotations

from datetime import timedelta

from test_engine import NOW, H, reading, to_us, tree

from data.observation_table import ObservationTable


def test_replaced_versions_are_let_go_and_the_latest_stays() -> None:
    table = ObservationTable(tree())
    first = [reading(f"s{number}", 1.0, NOW - H) for number in range(5)]
    table.add(first)
    last = first
    for value in range(2, 20):
        last = [reading(row["station"], float(value), NOW - H, prev=row["seq"]) for row in last]
        table.add(last)
    assert len(table.columns["time"]) == 19 * 5
    table.drop_before(to_us(NOW - timedelta(hours=72)))
    assert len(table.columns["time"]) == 5
    assert table.latest("m", 0, to_us(NOW)).last.tolist() == [19.0] * 5
    again = [reading(row["station"], 99.0, NOW - H, prev=row["seq"]) for row in last]
    table.add(again)
    assert table.latest("m", 0, to_us(NOW)).last.tolist() == [99.0] * 5
    found = table.buckets("m", to_us(NOW - 2 * H), to_us(NOW), 0, 0)
    assert found.n.tolist() == [1] * 5


def test_a_feed_whose_every_row_is_forgotten_answers_nothing_and_takes_new_ones() -> None:
    table = ObservationTable(tree())
    table.add([reading("s1", 1.0, NOW - 80 * H), reading("s2", 2.0, NOW - 90 * H)])
    for _ in range(2):
        table.drop_before(to_us(NOW - 72 * H))
        assert table.latest("m", 0, to_us(NOW)).last.tolist() == []
        assert table.last_heard() == {}
        assert table.known_stations() == {"s1", "s2"}
    table.add([reading("s2", 3.0, NOW - H)])
    assert table.latest("m", 0, to_us(NOW)).last.tolist() == [3.0]
    assert list(table.last_heard()) == ["s2"]
