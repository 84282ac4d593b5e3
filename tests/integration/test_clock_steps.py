"""R9: the clock steps an hour either way while all runs: no age is negative, nothing is lost, no mark is false."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from collecting import gauge, opening
from own_redis import wait_for
from web_server import serving

from data.clock import Clock
from data.settings import Settings

pytestmark = pytest.mark.integration
FALSE_S = 5.0
NEGATIVE = re.compile(r"-\d+\s*(秒|分|小时|天)")


def shown(client: httpx.Client) -> tuple[str, str]:
    """(freshness of the readings, every word of the page)."""
    feeds = {feed["feed"]: feed for feed in client.get("/api/v1/feeds").json()["feeds"]}
    pages = client.get("/api/v1/view?screen=overview").text + client.get("/api/v1/view?screen=feeds").text
    return feeds["gauges"]["freshness"], pages


def mark_age_s(client: httpx.Client, now_us: int) -> float:
    """Age that the page's own clock gives the readings' mark."""
    page = client.get("/api/v1/view?screen=feeds").json()["regions"]
    rows = [row for html in page.values() for row in str(html).split("<tr")]
    row = next(row for row in rows if "五分钟读数" in row and "data-time" in row)
    found = re.search(r'data-time="(\d+)"', row)
    assert found is not None, row
    return (now_us - int(found[1])) / 1e6


def turned(collector: Any, web: Any, step_s: float) -> None:
    for clock in (collector.clock, web.clock):
        object.__setattr__(clock, "offset_s", clock.offset_s + step_s)


@pytest.mark.parametrize("step_s", [3600, -3600])
def test_a_step_of_the_clock_ages_nothing_below_zero_and_stops_nothing(settings: Settings, step_s: int) -> None:
    with opening(settings) as make, serving(settings) as (client, app):
        collector, web = make(), app.state.web
        clocks: list[Clock] = [collector.clock, web.clock]

        def push(feed: str, record: dict[str, Any]) -> None:
            handed = collector.submit(feed, [record]).result(10)
            assert (handed.accepted, handed.rejected) == (1, ()), handed

        def now_us() -> int:
            return clocks[0].now_us()

        push("stations", gauge())
        push("gauges", {"station": "g1", "metric": "level", "time": now_us(), "value": 5.0})
        wait_for(lambda: shown(client)[0] == "live")
        generation = web.live.generation
        turned(collector, web, step_s)
        wait_for(lambda: "时钟跳变" in web.live.trouble, FALSE_S)
        assert [shown(client)[0] for _ in range(20)] == ["live"] * 20, "no record came since; none was due"
        pages = shown(client)[1]
        assert not NEGATIVE.search(pages)
        assert mark_age_s(client, clocks[1].now_us()) < 60, "the browser judges by the present clock"
        push("gauges", {"station": "g1", "metric": "level", "time": now_us(), "value": 6.0})
        wait_for(lambda: shown(client)[0] == "live", 5)
        wait_for(lambda: web.live.tables.observations["gauges"].columns.size == 2, 5)
        assert (web.live.served_from, web.live.generation) == ("live", generation)
        assert "中断" not in web.live.trouble.replace("采集中断", "")
        assert not NEGATIVE.search(shown(client)[1])


@pytest.mark.parametrize("step_s", [3600, -3600])
def test_a_dead_feed_is_not_live_for_a_step_of_the_clock(settings: Settings, step_s: int) -> None:
    with opening(settings) as make, serving(settings) as (client, app):
        collector, web = make(), app.state.web
        collector.submit("stations", [gauge()]).result(10)
        stale = {"station": "g1", "metric": "level", "time": collector.clock.now_us() - 20 * 60_000_000, "value": 5.0}
        collector.submit("gauges", [stale]).result(10)
        wait_for(lambda: shown(client)[0] == "late")
        turned(collector, web, step_s)
        wait_for(lambda: "时钟跳变" in web.live.trouble, FALSE_S)
        wait_for(lambda: shown(client)[0] == "late", FALSE_S)
        assert [shown(client)[0] for _ in range(20)] == ["late"] * 20
        told = collector.book.states()["gauges"]
        collector._watch.tick(collector.clock.now_us())
        assert not collector._watch._open, f"no source is lost by a step: {told}"
