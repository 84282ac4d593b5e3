"""Every screen in every mood, every panel kind, every name a declaration uses."""

from __future__ import annotations

import logging
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from data.answers import Answer
from layouts import regions as regions_module
from layouts.asks import BY_TIME
from layouts.ids import REGIONS
from layouts.leads import LEADS
from layouts.panels import KINDS
from layouts.regions import questions, regions, safe_panel
from layouts.screen import Screen
from layouts.screens import BY_KEY, SCREENS
from layouts.symbols import symbols
from layouts.topics import BY_ID, TOPICS
from layouts.view import ViewState, from_query
from tests.fixtures import answers as invented

MOODS = ("full", "empty", "stale", "down", "hostile", "huge", "absent", "storm")
PACK = Path(__file__).parents[2] / "places" / "yudu"
VOID = {"path", "circle", "rect", "use", "br", "img", "input"}


class Page(HTMLParser):
    """Tags with attributes; says when a tag is closed that was not open."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID or tag == "use":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


def made(screen: Screen, mood: str, view: ViewState | None = None) -> dict[str, str]:
    feed_rows = invented.invent(invented.Question("feeds")).rows
    return regions(screen, invented.answers(screen, mood, view), invented.context(screen, view), feed_rows)


@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.key)
def test_every_screen_renders_in_every_mood(screen: Screen, mood: str, caplog: pytest.LogCaptureFixture) -> None:
    found = made(screen, mood)
    assert not caplog.records, caplog.text
    assert set(found) == set(REGIONS)
    for name, html in found.items():
        page = read(html)
        assert not page.wrong, (name, page.wrong)
        assert not page.open, (name, page.open)
        assert "img" not in {tag for tag, _ in page.tags}, name
        assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")], name
        assert "None" not in page.text.replace("NONE", ""), name
        assert "nan" not in page.text, name


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.key)
def test_a_hostile_text_is_shown_as_text(screen: Screen) -> None:
    found = made(screen, "hostile")
    assert "&lt;img" in "".join(found.values())
    assert "<img" not in "".join(found.values())


def test_a_value_put_in_unescaped_would_be_seen() -> None:
    page = read('<td><img src=x onerror="alert(1)"></td>')
    assert "img" in {tag for tag, _ in page.tags}


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.key)
def test_declared_names_exist(screen: Screen) -> None:
    metrics = set(yaml.safe_load((PACK / "metrics.yaml").read_text(encoding="utf-8")))
    layers = yaml.safe_load((PACK / "layers.yaml").read_text(encoding="utf-8"))
    asked = [question for _, question in questions(screen)]
    assert {question.name for question in asked if question.kind == "metric"} <= metrics
    assert set(screen.map.metrics) <= metrics
    assert screen.plain or screen.map.metric in screen.map.metrics
    assert {figure.metric for figure in screen.figures} <= metrics
    assert set(screen.map.layers) <= set(layers)
    assert set(screen.map.on) <= set(screen.map.layers)
    sources = {layer["source"] for layer in layers.values()}
    assert {q.name.partition(":")[2] for q in asked if q.name.startswith("assets:")} <= sources
    assert not [question for question in asked if question.by == BY_TIME]
    assert screen.lead in LEADS


def test_topics_are_the_53_and_panels_name_their_phrases() -> None:
    assert len(TOPICS) == len(BY_ID) == 53
    for screen in SCREENS:
        assert set(screen.topics) <= set(BY_ID)
        for panel in screen.panels:
            assert set(panel.shows) <= set(BY_ID[panel.topic].phrases), (screen.key, panel.key)


def test_every_kind_is_used_and_every_used_kind_exists() -> None:
    assert {panel.kind for screen in SCREENS for panel in screen.panels} == set(KINDS)


@pytest.mark.parametrize("screen", [s for s in SCREENS if not s.plain], ids=lambda screen: screen.key)
def test_a_screen_has_what_every_screen_must_have(screen: Screen) -> None:
    slots = [panel.slot for panel in screen.panels]
    kinds = [panel.kind for panel in screen.panels]
    assert sorted(slots) == sorted(f"{column}{row}" for column in "ps" for row in range(1, 7))
    assert len({panel.key for panel in screen.panels}) == len(screen.panels)
    assert len(screen.figures) == 6
    assert kinds.count("trend") + kinds.count("air") >= 3
    if screen.key in ("overview", "events", "ecology", "emergency"):
        assert "overdue" in kinds
    assert "warnings" in screen.lead_asks


def test_ids_are_unique_on_a_page() -> None:
    for screen in SCREENS:
        ids = [attributes["id"] for html in made(screen, "full").values() for _, attributes in read(html).tags
               if "id" in attributes]
        assert len(ids) == len(set(ids)), screen.key


def test_every_sign_that_is_used_is_drawn() -> None:
    drawn = {attributes["id"] for _, attributes in read(str(symbols())).tags if "id" in attributes}
    for screen in SCREENS:
        for mood in MOODS:
            used = {attributes["href"][1:] for html in made(screen, mood).values() for tag,
                    attributes in read(html).tags
                    if tag == "use"}
            assert used <= drawn


def test_one_failing_panel_becomes_one_tile(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(regions_module.KINDS, "air", broken)
    screen = BY_KEY["overview"]
    with caplog.at_level(logging.ERROR):
        found = made(screen, "full")
    assert "is-error" in found["p5"]
    assert "planted" not in found["p5"]
    assert not [slot for slot in ("p1", "p2", "p3", "p4", "p6") if "is-error" in found[slot]]
    assert "planted" in caplog.text


def test_a_panel_gets_only_its_own_answers() -> None:
    screen = BY_KEY["overview"]
    panel = next(panel for panel in screen.panels if panel.key == "p5")
    found = invented.answers(screen)
    alone = {name: answer for name, answer in found.items() if name.startswith("p5.")}
    assert safe_panel(panel, alone, invented.context(screen)) == safe_panel(panel, found, invented.context(screen))


def test_calm_is_never_claimed_without_data() -> None:
    for screen in [s for s in SCREENS if s.key in ("overview", "events", "economy", "ecology", "emergency")]:
        for mood in ("empty", "stale", "down"):
            lead = made(screen, mood)["lead"]
            assert "is-unknown" in lead, (screen.key, mood)
            assert "平稳" not in lead
        panels = made(BY_KEY["overview"], "stale")["p3"]
        assert "当前无生效预警" not in panels
    assert "平稳" in made(BY_KEY["overview"], "full")["lead"]


def test_a_red_warning_rules_the_screen() -> None:
    found = made(BY_KEY["overview"], "storm")
    assert 'class="lead red"' in found["lead"]
    assert "暴雨红色预警" in found["lead"]
    assert "红色预警" in found["situation"]
    assert "s-alarm" in found["nav"]
    assert "is-red" in found["p3"]


def test_an_unavailable_panel_is_not_an_unknown_one() -> None:
    assert "暂不可用" in made(BY_KEY["overview"], "down")["p5"]
    unknown = made(BY_KEY["overview"], "empty")["p5"]
    assert "未知" in unknown
    assert "暂不可用" not in unknown
    assert "is-loading" in made(BY_KEY["overview"], "absent")["p5"]


def test_a_borrowed_figure_names_whose_it_is() -> None:
    screen = BY_KEY["economy"]
    code, name = invented.CHILDREN[0]
    view = ViewState(screen="economy", division=code, window="ytd")
    context = replace(invented.context(screen, view), chain=((invented.ROOT, "样例县"), (code, name)))
    found = regions(screen, invented.answers(screen, "full", view), context)
    assert "数据为样例县级" in found["p1"]
    assert "数据为样例县级" in found["figures"]


def test_every_figure_carries_a_mark_that_the_browser_can_age() -> None:
    for screen in SCREENS:
        found = read(made(screen, "full")["figures"])
        figures = [a for _, a in found.tags if "kpi" in a.get("class", "").split()]
        marks = [a for _, a in found.tags if "data-fresh" in a]
        assert len(marks) == len(figures) == len(screen.figures), screen.key
        assert all(int(mark["data-time"]) > 0 for mark in marks), screen.key


def test_a_figure_without_a_value_is_not_called_live() -> None:
    screen = BY_KEY["ecology"]
    context = invented.context(screen)
    answers = invented.answers(screen, "full")
    answers["figure.aqi"] = replace(answers["figure.aqi"], value=None, text="", change=None, freshness="live")
    found = regions(screen, answers, context)["figures"]
    assert "本区划没有数据" in found
    assert 'data-fresh="unknown"' in found


def test_one_division_alone_is_not_the_highest() -> None:
    screen = BY_KEY["economy"]
    context = invented.context(screen)
    answers = invented.answers(screen, "full")
    lonely = {name: replace(answer, groups=answer.groups[:1]) for name, answer in answers.items()}
    found = regions(screen, lonely, context)
    assert "最高" not in found["maphead"]
    assert "不作排名" in found["p4"]


def test_links_say_the_same_as_their_patch() -> None:
    screen = BY_KEY["economy"]
    view = from_query("economy", {"f.category": "x", "window": "24h"}, screen.window)
    found = made(screen, "full", view)
    chip = next(a for tag, a in read(found["filters"]).tags if tag == "a" and "chip" in a.get("class", ""))
    assert chip["data-set"] == '{"f.category": null}'
    assert chip["href"] == "/economy?window=24h"
    default = next(a for tag, a in read(found["filters"]).tags if a.get("data-set", "").startswith('{"window": "ytd"'))
    assert default["href"] == "/economy?f.category=x&window=ytd"


def test_the_step_follows_the_window() -> None:
    screen = BY_KEY["overview"]
    steps = {window: dict(questions(screen, ViewState(window=window)))["p6.received"].by
             for window in ("24h", "7d", "30d", "ytd")}
    assert steps == {"24h": "hour", "7d": "day", "30d": "day", "ytd": "week"}
    span = ViewState(start="2026-01-01", end="2026-09-01")
    assert dict(questions(screen, span))["p6.received"].by == "week"


def test_a_late_answer_is_not_judged() -> None:
    screen = BY_KEY["overview"]
    found = invented.answers(screen)
    late: dict[str,
               Answer] = {name: replace(answer, freshness="late", state="alarm") if name == "figure.aqi" else answer
                               for name, answer in found.items()}
    html = regions(screen, late, invented.context(screen))
    assert "5 / 6" in html["lead"]
    assert "is-ok" in html["lead"]
    assert "is-old" in html["figures"]
