"""Pieces of the page of the feeds: every group of refusals can be reached, rows that wait for room, the short note."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from data.answers import Answer, Question
from layouts.panels import quarantine
from layouts.panels import table as tables
from layouts.screen import Panel
from layouts.tables import Column, Cut, table
from tests.fixtures import answers as invented
from tests.fixtures.panels import BY_KEY

CONTEXT = invented.context(BY_KEY["feeds"])
PANEL = Panel("p4", "p4", "隔离区", "Q1", "quarantine", {"list": Question("rows", "quarantine")}, ())


def drawn(groups: int, page: str = "", settled: int = 0) -> str:
    rows = tuple({"feed": "f", "name": "源", "kind": f"原因{n}", "waiting": 1, "count": 1, "sample": 100 + n, "last": 5,
                  "may": True} for n in range(groups))
    rows += tuple({"feed": "f", "name": "源", "kind": "已处理", "waiting": 0, "count": 3} for _ in range(settled))
    answer = Answer(PANEL.asks["list"], "quarantine", freshness="live", rows=rows, total=groups)
    view = replace(CONTEXT.view, filters=(("groups", page),) if page else ())
    return str(quarantine.draw(PANEL, {"list": answer}, replace(CONTEXT, view=view)).html)


def kinds(html: str) -> list[int]:
    return [int(number) for number in re.findall(r">原因(\d+)<", html)]


def test_every_group_can_be_reached_and_corrected() -> None:
    seen: list[int] = []
    for page in ("", "2", "3"):
        html = drawn(24, page)
        found = kinds(html)
        assert html.count(">更正</a>") == len(found)
        seen += found
    assert seen == list(range(24))
    assert "其余 15 组" in drawn(24)
    assert "前 9 组" not in drawn(24)
    assert ("前 9 组" in drawn(24, "2"), "其余 6 组" in drawn(24, "2")) == (True, True)
    assert "其余" not in drawn(24, "3")
    assert "f.groups=2" in drawn(24)
    assert "f.groups=1" not in drawn(24, "2"), "the first page is the plain address"


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "99999999999", "9", "1"])
def test_a_page_that_is_none_shows_the_nearest_one(page: str) -> None:
    assert kinds(drawn(11, page)) == ([9, 10] if page == "9" else list(range(9)))
    assert kinds(drawn(3, page)) == [0, 1, 2]


def test_few_groups_have_no_pages_and_settled_ones_stand_without_them() -> None:
    assert "axis-note" not in drawn(9)
    assert "已处理" in drawn(0, "2", settled=2)


def test_rows_that_wait_for_room_are_counted_for_either_case() -> None:
    question = Question("rows", "devices")
    panel = Panel("p6", "p6", "静默设备", "Q2", "table", {"list": question}, (), options={
        "columns": (("name", "设备", "wide"), ("n", "数", "number")), "most": 5, "spare": 10, "optional": ("n",)})
    rows = tuple({"name": f"设备{n}", "n": n} for n in range(12))
    answer = Answer(question, "devices", freshness="live", rows=rows, total=12)
    html = str(tables.draw(panel, {"list": answer}, CONTEXT).html)
    assert (html.count("<tr>"), html.count('<tr class="spare">')) == (1 + 5, 5)
    assert '<span class="unspared">另有 7 条</span><span class="spared">另有 2 条</span>' in html
    assert html.count('class="r opt"') == 11
    few = str(tables.draw(panel, {"list": replace(answer, rows=rows[:3], total=3)}, CONTEXT).html)
    assert ("spare" in few, "另有" in few) == (False, False)


def test_a_note_has_a_short_form_for_walls_only_where_it_is_long() -> None:
    rows = [(Cut(text, 48, brief=8),) for text in ("列有变化：新增列 received", "短")]
    html = str(table((Column("说明", wide=True),), rows))
    assert '<span class="roomy">列有变化：新增列 received</span><span class="brief">列有变化：新增…</span>' in html
    assert html.count("brief") == 1
