"""The page of the feeds over the real server: an officer on duty corrects a refused record; others only look."""

from __future__ import annotations

import re

import pytest
from served import event, until

pytestmark = pytest.mark.browser


def login(county) -> str:
    said = (county.folder / "serve.log").read_text(encoding="utf-8")
    return re.findall(r"http://\S+/login\?once=\S+", said)[-1]


def refused(county, key: str) -> int:
    """Pushes one event that lies outside the county; its number in the quarantine."""
    bad = event(key, county.clock(), "", title=f"测试 {key} 请回电 13800138000", lon=100.0, lat=25.0)
    bad["division"] = None
    assert len(county.push(bad)["rejected"]) == 1
    groups = until(lambda: county.get("/api/v1/quarantine").get("rows"), 10, "the refusal")
    return max(row["sample"] for row in groups if row["sample"])


def told(page) -> str:
    return page.locator("#panel-p5").inner_text()


def test_who_is_not_on_duty_sees_the_form_closed_and_the_sentence_why(county, pages) -> None:
    item = refused(county, "closed")
    page = pages.open(f"{county.url}/feeds?f.item={item}")
    page.wait_for_selector("form.fix")
    assert page.locator("form.fix input:enabled, form.fix button:enabled").count() == 0
    assert "只有值班人员可以更正" in told(page)
    assert "13800138000" not in page.content(), "telephone numbers are not for everybody"
    answer = county.http.post("/api/v1/quarantine", json={"deed": "dismiss", "ids": [item]})
    assert (answer.status_code, "一次性链接" in answer.json()["detail"]) == (403, True)
    foreign = county.http.post("/api/v1/quarantine", json={"deed": "dismiss", "ids": [item]},
                               headers={"origin": "http://evil.example"})
    assert foreign.status_code == 403


def test_an_officer_corrects_a_record_with_the_keyboard_and_dismisses_another(county, pages) -> None:
    page = pages.open(login(county))
    item = refused(county, "mended")
    page.goto(f"{county.url}/feeds?f.item={item}")
    page.wait_for_selector("form.fix input:enabled")
    assert "13800138000" in page.locator("form.fix input[name=title]").input_value()
    page.locator("form.fix input[name=lon]").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("115.4")
    page.evaluate("() => yiping.view.refresh()")
    page.wait_for_function("() => !yiping.answers.busy()")
    assert page.locator("form.fix input[name=lon]").input_value() == "115.4", "a redraw leaves what was typed"
    lat = page.locator("form.fix input[name=lat]")
    lat.fill("25.95")
    lat.press("Enter")
    page.wait_for_function("() => document.querySelector('.notice').textContent.includes('已送回 1 条')")
    assert county.get(f"/api/v1/quarantine/{item}")["rows"][0]["state"] == "replayed"
    found = until(lambda: county.get("/api/v1/events/mended").get("id"), 10, "the corrected event")
    assert found == "mended"
    lines = (county.folder / "audit" / "quarantine.jsonl").read_text(encoding="utf-8").splitlines()
    assert any('"deed":"correct"' in line and '"who":"duty' in line for line in lines)


    refused(county, "gone")
    page.goto(f"{county.url}/feeds")
    page.locator("form.fix [data-deed=dismiss]:enabled").first.click()
    page.wait_for_function("() => document.querySelector('.notice').textContent.includes('已作废 1 条')")


def refuse_in_many_ways(county) -> int:
    """Pushes events that are refused for more reasons than a page of the quarantine shows; how many groups wait."""
    good = event("many", county.clock(), "", title="多种原因")
    broken = [{field: None} for field in ("id", "category", "channel", "stage", "stage_time", "time")]
    broken += [{"category": "没有的"}, {"stage": "没有的"}, {"time": "昨天"}, {"lon": 100.0, "lat": 25.0},
               {"lon": None, "lat": None, "division": "36"}, {"lon": None, "lat": None, "division": None},
               {"time": "2199-01-01T00:00:00+08:00"}, {"time": "1901-01-01T00:00:00+08:00"}, {"level": {"a": 1}},
               {"satisfaction": "很好"}, {"due": "明天"}, {"lon": 25.9, "lat": 115.4}]
    for number, one in enumerate(broken):
        county.push(good | {"id": f"many{number}"} | one)
    return sum(bool(row["waiting"]) for row in county.get("/api/v1/quarantine")["rows"])


def test_the_groups_after_the_ninth_are_reached_with_the_keyboard_and_corrected(county, pages) -> None:
    groups = refuse_in_many_ways(county)
    assert groups > 9, "too few reasons to turn a page"
    page = pages.open(f"{county.url}/feeds")
    assert page.locator("#panel-p4 tbody tr").count() == 9
    onward = page.locator("#panel-p4 a.act", has_text=f"其余 {groups - 9} 组")
    onward.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#panel-p4').textContent.includes('前 9 组')")
    assert page.locator("#panel-p4 tbody tr").count() == min(9, groups - 9)
    last = page.locator("#panel-p4 tbody a.act", has_text="更正").last
    last.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.search.includes('f.item') && location.search.includes('f.groups=2')")
    wanted = re.search(r"f\.item=(\d+)", page.url)
    assert wanted is not None
    page.wait_for_selector(f"form.fix[data-item='{wanted[1]}']")


def test_the_score_stands_inside_a_phone(county, pages) -> None:
    page = pages.open(f"{county.url}/feeds", (390, 844))
    heads = page.locator("#panel-p1 thead th:visible, #panel-p2 thead th:visible")
    assert [word for word in heads.all_inner_texts() if word == "得分"] == ["得分"] * 2
    edges = page.evaluate("() => [...document.querySelectorAll('.tb')].map((t) => [t.scrollWidth, t.clientWidth])")
    assert [(wide, room) for wide, room in edges if wide > room] == []


def test_a_wide_wall_shows_the_rows_it_has_room_for(county, pages) -> None:
    page = pages.open(f"{county.url}/feeds", (7680, 2160))
    shown = page.locator("#panel-p3 tbody tr:visible").count()
    assert shown == min(10, page.locator("#panel-p3 tbody tr").count())
    held = page.evaluate("() => [...document.querySelectorAll('.tb')].map((t) => [t.scrollHeight, t.clientHeight])")
    assert [(tall, room) for tall, room in held if tall > room + 1] == []


def test_the_table_of_the_week_downloads(county) -> None:
    answer = county.http.get("/api/v1/departments", params={"format": "csv"})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "部门,数据源" in answer.content.decode("utf-8-sig")


def test_the_three_topics_of_the_feeds_are_live(county) -> None:
    rows = {row["id"]: row for row in county.get("/api/v1/topics")["topics"]}
    assert [(key, rows[key]["why_not"]) for key in ("Q1", "Q2", "Q3") if not rows[key]["live"]] == []
