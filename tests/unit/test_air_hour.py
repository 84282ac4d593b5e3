"""The index of the newest hour waits for its reports, and no longer than one hour for a station that fell silent."""

from __future__ import annotations

from typing import Any

from test_engine import NOW, ROOT, TOWN_A, TOWN_B, H, ask, evaluator, metric

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
    report(memory, "a", 1, *POLLUTANTS[3:])
    assert ask(ev, "aqi").time == NOW - 2 * H
    report(memory, "b", 1, *POLLUTANTS)
    assert (ask(ev, "aqi").time, ask(ev, "aqi").value == older) == (NOW - H, False)
    assert ask(ev, "aqi", code=ROOT).n == 2


def test_a_silent_station_holds_the_others_up_for_one_hour_only() -> None:
    ev, memory = evaluator({"aqi": metric(AQI, "formula")})
    for hours_ago, stations in ((3, "ab"), (2, "a"), (1, "a")):
        for station in stations:
            report(memory, station, hours_ago, *POLLUTANTS)
    assert ask(ev, "aqi").time == NOW - H
