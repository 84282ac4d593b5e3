"""R9: the clock steps an hour either way while all runs: no age is negative, nothing is lost, the next record heals."""

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
NEGATIVE = re.compile(r"-\d+\s*(秒|分|小时|天)")


def shown(client: httpx.Client) -> tuple[str, str]:
    """(freshness of the readings, every word of the page)."""
    feeds = {feed["feed"]: feed for feed in client.get("/api/v1/feeds").json()["feeds"]}
    pages = client.get("/api/v1/view?screen=overview").text + client.get("/api/v1/view?screen=feeds").text
    return feeds["gauges"]["freshness"], pages


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
        for clock in clocks:
            object.__setattr__(clock, "offset_s", clock.offset_s + step_s)
        pages = shown(client)[1]
        assert not NEGATIVE.search(pages)
        push("gauges", {"station": "g1", "metric": "level", "time": now_us(), "value": 6.0})
        wait_for(lambda: shown(client)[0] == "live", 5)
        wait_for(lambda: web.live.tables.observations["gauges"].columns.size == 2, 5)
        assert (web.live.served_from, web.live.generation) == ("live", generation)
        assert "中断" not in web.live.trouble.replace("采集中断", "")
        assert not NEGATIVE.search(shown(client)[1])
