"""The other side of a comparison is the plain view of that instant, window or metric; rights and memory hold for it."""

from __future__ import annotations

import re

import pytest
from recount_world import HOUR, NOW, Recounted
from recounted_web import web_of
from test_recomputed import ROOT

from access.principal import Principal, demo_principal
from api.view import build, packed
from api.web import Web
from data.clock import from_us

pytestmark = pytest.mark.integration
TOWN, OTHER = "360731100000", "360731104000"
THEN = from_us(NOW - 26 * HOUR).isoformat()
START, END = (from_us(NOW - hours * HOUR).isoformat() for hours in (60, 30))
# compare= → what the plain view of the other side is asked
SIDES = {f"at:{THEN}": {"at": THEN}, "window:7d": {"window": "7d"}, f"span:{START}~{END}": {"from": START, "to": END},
         "metric:aqi": {"metric": "aqi"}}


@pytest.fixture(scope="module")
def web(recounted: Recounted) -> Web:
    return web_of(recounted, ROOT)


def of(web: Web, who: Principal | None = None, **query: str) -> dict:
    return build(web, who or demo_principal(ROOT), "overview", query)


def texts(state: dict) -> dict[str, str]:
    return {code: text for code, (_, text) in state["values"].items()}


@pytest.mark.parametrize("division", [ROOT, TOWN])
@pytest.mark.parametrize("known", ["", "now"])
@pytest.mark.parametrize("text", SIDES)
def test_the_other_side_is_the_plain_view(web: Web, text: str, known: str, division: str) -> None:
    base = {"division": division, "metric": "received_events"} | ({"known": known} if known else {})
    both, here = of(web, **base, compare=text)["map"], of(web, **base)["map"]
    there = of(web, **base | SIDES[text])["map"]
    assert texts(both) == texts(here)
    assert texts(both["other"]) == texts(there)
    if division == ROOT and (known or not text.startswith("at")):
        assert len(set(texts(there).values())) > 1, "a comparison of nothing would prove nothing"
    for name in ("metric", "division", "level", "marks", "cells", "bounds"):
        assert both["other"][name] == there[name], name
    assert [one["layer"] for one in both["other"]["points"]] == [one["layer"] for one in there["points"]]
    same = both["other"]["metric"] == both["metric"]
    assert (both["classes"] == both["other"]["classes"]) or not same
    third = of(web, **base, compare=text, split="difference")["map"]
    if same:
        assert third["compare"]["texts"] == {code: [texts(here).get(code, "未知"), texts(there).get(code, "未知")]
                                             for code in third["values"]}
        assert texts(third) == both["compare"]["steps"]


def test_the_difference_is_one_side_less_the_other(web: Web) -> None:
    found = of(web, metric="received_events", compare="window:previous", split="difference")
    here, there = (of(web, metric="received_events", **more)["map"] for more in (
        {}, {"from": from_us(NOW - 48 * HOUR - NOW % 60_000_000).isoformat(),
             "to": from_us(NOW - 24 * HOUR - NOW % 60_000_000).isoformat()}))
    number = {code: int(text.partition(" ")[0].replace(",", "")) for code, text in texts(here).items()}
    then = {code: int(text.partition(" ")[0].replace(",", "")) for code, text in texts(there).items()}
    for code, text in texts(found["map"]).items():
        step = number[code] - then[code]
        assert text == (f"{'+' if step > 0 else '−'}{abs(step)} 件" if step else "持平"), code
    assert "other" not in found["map"]


def test_divisions_have_the_figures_of_their_own_views(web: Web) -> None:
    table = of(web, compare=f"divisions:{TOWN},{OTHER}", tool="compare")["regions"]["tool"]
    row = re.search(r'<th scope="row">在办事件（件）</th>(.*?)</tr>', table)[1]
    shown = re.findall(r"<b>([\d,]+)</b>", row)
    alone = [re.search(r'<div class="fig">(.*?)<small>', of(web, division=code)["regions"]["figures"])[1]
             for code in (TOWN, OTHER)]
    assert shown == alone
    assert "每万人在办事件" in table, "what the pack declares per head stands beside it"


def test_of_a_division_that_may_not_be_read_nothing_is_told(web: Web) -> None:
    clerk = Principal("t", "demo", TOWN, demo_principal(ROOT).capabilities)
    found = of(web, clerk, division=TOWN, compare=f"divisions:{TOWN},{OTHER}", tool="compare")
    table = found["regions"]["tool"]
    assert "无权查看该区划" in table
    row = re.search(r'<th scope="row">常住人口（人）</th>(.*?)</tr>', table)[1]
    assert re.search(r"无权</td>$", row)
    assert of(web, clerk, division=TOWN, compare="window:7d")["map"]["other"]["division"] == TOWN


def test_a_second_viewer_costs_no_computation(web: Web) -> None:
    who, query = demo_principal(ROOT), {"compare": f"at:{THEN}", "metric": "received_events"}
    first = packed(web, who, "overview", query)
    computed = web.gate.computed
    assert packed(web, who, "overview", dict(query)) is first
    assert web.gate.computed == computed
