"""Incidents, earthquakes and requests of the shared data through feeds of test packs: one event a row, none lost.

The expected numbers were counted by other means (csv, awk over the files), never with the program.
"""

from __future__ import annotations

from collections import Counter

import pytest
from brought import Bring, Expected, account, balanced, bring

__all__ = ["bring"]
pytestmark = [pytest.mark.integration, pytest.mark.slow]
REQUESTS = Expected(10_000, {"received": 10_000, "closed": 9_630}, {"created_date": (0, 0), "closed_date": (370, 0)})


def test_incidents_and_earthquakes_one_event_a_row(bring: Bring) -> None:
    outcome, rows = bring("san_francisco", "incidents", "emergency/sfpd_incidents.csv.gz")
    account(outcome, rows, Expected(10_000, {"received": 10_000}))
    outcome, rows = bring("world", "quakes", "emergency/usgs_earthquakes_all_month_2022-03.csv.gz")
    account(outcome, rows, Expected(10_134, {"received": 10_134}))
    assert Counter(row["category"] for row in rows) == {"earthquake": 9_918, "quarry blast": 113, "explosion": 72,
                                                        "ice quake": 29, "other event": 2}
    assert Counter(row["channel"] for row in rows) == {"reviewed": 7_752, "automatic": 2_382}
    assert sum(row["detail"] is None for row in rows) == 1


def test_requests_without_a_place_belong_to_the_city_alone(bring: Bring) -> None:
    outcome, rows = bring("san_francisco", "requests", "requests/sf311_sample.csv.gz")
    assert balanced(REQUESTS)
    account(outcome, rows, REQUESTS)
    received = [row for row in rows if row["stage"] == "received"]
    assert sum(row["lon"] is None for row in received) == 4_264
    assert {row["code"] for row in received if row["lon"] is None} == {"990201000000"}
    assert {row["code"] for row in received if row["lon"] is not None} == {"990201001000", "990201002000"}
    offset = next(row for row in received if row["id"] == "6078653")
    assert offset["time"] == 1_468_422_667_000_000  # 2016-07-13 15:11:07+00:00
