"""Finding on the real server: by keyboard alone, by touch on a phone; what is here by button, key and finger."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from driving import set_view, settled, until, value
from served import event

pytestmark = pytest.mark.browser
TOWN = "360731100000"
MIDDLE = """() => { const r = document.querySelector('.ground').getBoundingClientRect();
    return [r.left + r.width / 2, r.top + r.height / 2]; }"""


def held(page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def listed(page) -> list[str]:
    page.wait_for_selector(".find-row")
    return page.locator(".find-row b").all_inner_texts()


def test_a_journey_by_keyboard_alone(county, pages):
    page = pages.open(county.url)
    box = page.locator(".find-text")
    page.keyboard.press("/")
    assert value(page, "() => document.activeElement.className") == "find-text"
    page.keyboard.type("gjz")
    assert listed(page)[0] == "贡江镇"
    assert box.get_attribute("aria-expanded") == "true"
    assert page.locator(f"#{box.get_attribute('aria-activedescendant')}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    until(page, "(code) => yiping.state.at.division === code", TOWN)
    settled(page)
    assert (held(page), box.input_value()) == ({"division": TOWN, "tool": "profile"}, "")
    assert "镇长" in page.locator(".tool-profile").inner_text()
    page.keyboard.press("/")
    page.keyboard.type("xiaoxue")
    second = listed(page)[1]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tool-find h3")
    settled(page)
    assert held(page)["pin"].startswith("asset:assets:SC")
    assert second in page.locator(".tool-find h3").inner_text()
    assert "米" in page.locator(".tool-find table.near").last.inner_text()
    assert value(page, "() => Object.keys(yiping.view.last().map.overlays)") == ["pin"]
    page.keyboard.press("Escape")
    until(page, "() => !yiping.state.at.tool")
    page.locator(".crumb b a").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".tool-profile h4")
    card = page.locator(".tool-profile").inner_text()
    assert all(word in card for word in ("网格员", "演示数据", "**", "主要指标", "未结事件", "生效预警", "km²"))
    assert not re.search(r"\d{11}(?!\d)", card.replace("360731", "")), "a number is never told in full"
    page.keyboard.press("/")
    page.keyboard.type("zzzzqqq")
    until(page, "() => document.querySelector('.find-said').textContent.startsWith('没有找到')")
    assert box.get_attribute("aria-expanded") == "false"
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert value(page, "() => document.activeElement === document.body")


def test_what_is_here_by_key_and_right_button(county, pages):
    page = pages.open(county.url, size=(1920, 1080))
    page.locator(".ground").focus()
    page.keyboard.press("ContextMenu")
    page.wait_for_selector(".tool-find h3")
    assert page.locator(".tool-find h3").inner_text() == "这里有什么"
    lon, lat = map(float, held(page)["pin"].split(","))
    assert 115 < lon < 116
    assert 25.4 < lat < 26.5
    settled(page)
    x, y = value(page, MIDDLE)
    first = held(page)["pin"]
    page.mouse.click(x + 60, y + 40, button="right")
    until(page, "(old) => yiping.state.at.pin !== old", first)
    settled(page)
    told = page.locator(".tool-find .found-where").inner_text()
    assert "于都县" in told
    assert f"{held(page)['pin']} 先经度后纬度·CGCS2000" in told
    before = held(page)["pin"]
    page.mouse.move(x, y)
    page.mouse.down(button="left")
    page.mouse.move(x + 80, y + 10, steps=4)
    page.mouse.up(button="left")
    assert held(page)["pin"] == before, "dragging asks nothing"
    page.locator(".found-acts a", has_text="移除图钉").click()
    until(page, "() => !yiping.state.at.pin")
    settled(page)
    assert value(page, "() => yiping.view.last().map.overlays") == {}


def test_a_finger_finds_and_a_long_press_asks(county, pages):
    page = pages.open(county.url, size=(390, 844), has_touch=True, is_mobile=True)
    page.locator(".find-text").tap()
    page.keyboard.type("115.412 25.964")
    assert listed(page) == ["115.412000, 25.964000"]
    row = page.locator(".find-row").bounding_box()
    assert row["height"] >= 44
    page.locator(".find-row").tap()
    page.wait_for_selector(".tool-find h3")
    settled(page)
    assert held(page)["pin"] == "115.412000,25.964000"
    assert value(page, "() => document.documentElement.scrollWidth <= innerWidth")
    page.locator(".ground").scroll_into_view_if_needed()
    x, y = value(page, MIDDLE)
    hand = page.context.new_cdp_session(page)
    hand.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    until(page, "() => yiping.state.at.pin !== '115.412000,25.964000'")
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settled(page)
    assert page.locator(".tool-find h3").inner_text() == "这里有什么"


def test_a_link_shows_the_same_and_a_hostile_name_stays_text(county, pages):
    name = "<img src=x onerror=window.hacked=1>异常标题"
    county.push(event("FIND-0001", county.clock(), TOWN, title=name, lon=115.412, lat=25.964))
    page = pages.open(county.url)
    page.locator(".find-text").fill("find-0001")
    until(page, "() => document.querySelectorAll('.find-row').length === 1 || (document.querySelector('.find-text')"
                ".dispatchEvent(new Event('input')), false)")
    assert listed(page) == [name]
    page.keyboard.press("Enter")
    page.wait_for_selector(".tool-find h3")
    assert name in page.locator(".tool-find h3").inner_text()
    hurt = value(page, "() => [window.hacked, document.querySelectorAll('.drawer img, .finder img').length]")
    assert hurt == [None, 0]
    again = pages.open(page.url)
    assert again.locator(".tool-find h3").inner_text() == page.locator(".tool-find h3").inner_text()
    set_view(again, {"pin": "asset:assets:nothing", "tool": "find"})
    until(again, "() => (document.querySelector('.tool-find') || {}).textContent.includes('没有设施')")


def test_a_number_that_is_not_in_memory_is_asked_of_history_once_the_hand_rests(county, pages):
    page = pages.open(county.url)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/search" in request.url else None)
    page.keyboard.press("/")
    page.keyboard.type("ZZ-2019-0001")
    until(page, "() => document.querySelector('.find-said').textContent.includes('在历史里查')")
    until(page, "() => document.querySelector('.find-said').textContent.includes('没有找到')")
    assert [url for url in asked if "ended=1" in url] == [asked[-1]]
    page.fill(".find-text", "没有这个名字9")
    until(page, "() => document.querySelector('.find-said').textContent.includes('没有找到“没有这个名字9”')")
    assert len([url for url in asked if "ended=1" in url]) == 1
