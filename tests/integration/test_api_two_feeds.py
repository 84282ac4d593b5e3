"""One number in two feeds, through the doors of the API: two events, and two warnings, in every answer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from api_place import NOW, Served, case, running
from own_redis import TINY_PACK, wait_for

pytestmark = pytest.mark.integration
TIPS = """tips:
  name: 线索
  topic: C2
  department: test
  kind: event
  source: {kind: push}
  cadence: 10min
town_warnings:
  name: 乡镇预警
  topic: M2
  department: test
  kind: warning
  source: {kind: push}
  cadence: 1d
"""
PLACED = {"lon": 100.05, "lat": 30.05}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("two")
    pack: Path = shutil.copytree(TINY_PACK, folder / "pack")
    feeds, metrics = pack / "feeds.yaml", pack / "metrics.yaml"
    feeds.write_text(feeds.read_text(encoding="utf-8") + TIPS, encoding="utf-8")
    metrics.write_text(metrics.read_text(encoding="utf-8").replace("[cases]", "[cases, tips]"), encoding="utf-8")
    with running(folder, pack) as place:
        place.push("cases", case("7", title="路灯不亮", **PLACED), case("8", title="占道", **PLACED))
        place.push("tips", case("7", title="井盖松动", **PLACED) | {
            "stage_time": (NOW - timedelta(minutes=1)).isoformat()})
        wait_for(lambda: place.value("open_cases") == 3)
        yield place


@pytest.mark.parametrize(("event", "feed", "found"), [
    ("7", "", ("tips", "井盖松动")), ("7", "tips", ("tips", "井盖松动")), ("7", "cases", ("cases", "路灯不亮")),
    ("8", "", ("cases", "占道")), ("8", "cases", ("cases", "占道"))])
def test_an_address_chooses_by_feed(served: Served, event: str, feed: str, found: tuple[str, str]) -> None:
    row = served.get(f"/events/{event}", **({"feed": feed} if feed else {})).json()
    assert (row["feed"], row["title"]) == found


@pytest.mark.parametrize(("feed", "status", "said"), [("tips", 404, "tips"), ("nosuch", 400, "可用")])
def test_a_feed_without_the_event_and_one_that_is_none(served: Served, feed: str, status: int, said: str) -> None:
    reply = served.get("/events/8", feed=feed)
    assert (reply.status_code, said in reply.json()["detail"]) == (status, True)


def test_lists_and_points_carry_the_feed(served: Served) -> None:
    held = [("cases", "7"), ("cases", "8"), ("tips", "7")]
    assert sorted((row["feed"], row["id"]) for row in served.get("/events").json()["events"]) == held
    points = served.get("/layers/events.geojson").json()["features"]
    assert sorted((one["properties"]["feed"], one["properties"]["id"]) for one in points) == held


def test_a_cancelled_warning_leaves_the_one_of_equal_number_in_force(served: Served) -> None:
    told = {"id": "w", "kind": "暴雨", "level": "red", "sent": (NOW - timedelta(hours=1)).isoformat(),
            "expires": (NOW + timedelta(hours=5)).isoformat(), "divisions": ["990101001000"]}
    for feed in ("warnings", "town_warnings"):
        served.push(feed, told)
    wait_for(lambda: served.get("/warnings").json()["active"] == 2)
    served.push("town_warnings", told | {"id": "end", "status": "cancelled", "references": ["w"]})
    wait_for(lambda: served.get("/warnings").json()["active"] == 1)
    rows = served.get("/warnings").json()["warnings"]
    assert {(row["feed"], row["id"]): row["active"] for row in rows} == {
        ("warnings", "w"): True, ("town_warnings", "w"): False, ("town_warnings", "end"): False}


def test_the_page_draws_a_line_for_each(served: Served) -> None:
    regions = served.get("/view", screen="ecology").json()["regions"]
    drawn = "".join(regions.values())
    assert "路灯不亮" in drawn
    assert "井盖松动" in drawn


def test_closing_one_leaves_the_other_open(served: Served) -> None:
    served.push("tips", case("7", stage="closed") | {"stage_time": NOW.isoformat()})
    wait_for(lambda: served.value("open_cases") == 2)
    assert served.get("/events/7", feed="cases").json()["stage_code"] == "received"
    assert [step["stage_code"] for step in served.get("/events/7").json()["history"]] == ["received", "closed"]
