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


def test_the_table_of_the_week_downloads(county) -> None:
    answer = county.http.get("/api/v1/departments", params={"format": "csv"})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "部门,数据源" in answer.content.decode("utf-8-sig")


def test_the_three_topics_of_the_feeds_are_live(county) -> None:
    rows = {row["id"]: row for row in county.get("/api/v1/topics")["topics"]}
    assert [(key, rows[key]["why_not"]) for key in ("Q1", "Q2", "Q3") if not rows[key]["live"]] == []
