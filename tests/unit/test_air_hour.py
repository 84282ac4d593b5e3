"""The index of a station waits for its whole report of an hour, and no longer than one hour."""

from __future__ import annotations

from typing import Any

from test_engine import NOW, TOWN_A, TOWN_B, H, ask, evaluator, metric

from data.clock import to_us
from data.formulas_quality import POLLUTANTS

TOWNS = {"a": TOWN_A, "b": TOWN_B}
AQI: dict[str, Any] = {"kind": "aqi"}


def report(memory: Any, station: str, hours_ago: int, *pollutants: str) -> None:
    table = memory.observations["f"]
    first = len(table.columns["seq"]) + 1
    table.add([{"seq": first + k, "prev": 0, "station": station, "metric": name, "time": to_us(NOW - hours_ago * H),
                "value": 40.0 + 10 * hours_ago, "code": TOWNS[station], "demo": False}
               for k, name in enumerate(pollutants)])


def test_an_hour_of_which_half_is_told_is_not_shown_yet() -> None:
    ev, memory = evaluator({"aqi": metric(AQI, "formula")})
    report(memory, "a", 2, *POLLUTANTS)
    report(memory, "b", 2, *POLLUTANTS)
    older = ask(ev, "aqi").value
    report(memory, "a", 1, *POLLUTANTS[:3])
    assert (ask(ev, "aqi").value, ask(ev, "aqi").time) == (older, NOW - 2 * H)
    assert ask(ev, "aqi", code=TOWN_A).value == older
    report(memory, "a", 1, *POLLUTANTS[3:])
    newer = ask(ev, "aqi", code=TOWN_A)
    assert (newer.time, newer.n, newer.value < older) == (NOW - H, 1, True)
    assert (ask(ev, "aqi").n, ask(ev, "aqi", code=TOWN_B).value) == (2, older)
    report(memory, "b", 1, *POLLUTANTS)
    assert ask(ev, "aqi").value == newer.value


def test_a_station_silent_for_longer_than_an_hour_is_left_out() -> None:
    ev, memory = evaluator({"aqi": metric(AQI, "formula")})
    for hours_ago, stations in ((3, "ab"), (2, "a"), (1, "a")):
        for station in stations:
            report(memory, station, hours_ago, *POLLUTANTS)
    assert (ask(ev, "aqi").time, ask(ev, "aqi").n) == (NOW - H, 1)
