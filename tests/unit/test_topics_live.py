"""Which of the 53 topics are live: every phrase shown by a panel or the map, every figure answering."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from test_engine import NOW

from access.principal import demo_principal
from api.topics import topic_rows
from data.answers import Answer
from data.clock import Clock
from data.pack import load_pack
from layouts.screens import SCREENS
from layouts.topics import BY_ID

HOME = Path(__file__).parents[2]
COUNTY = "360731000000"


def test_what_a_panel_or_map_shows_for_other_topics_are_phrases_of_theirs():
    for screen in SCREENS:
        for also in (screen.map.also, *(panel.also for panel in screen.panels)):
            for topic, phrases in also.items():
                assert set(phrases) <= set(BY_ID[topic].phrases), (screen.key, topic)


class Shelf:
    """A gate on which every feed is live and every metric answers, so that only panels decide."""

    def __init__(self, pack, value):
        self.pack, self.value = pack, value

    def read(self, _principal, question, _scope, _span):
        rows = tuple({"feed": feed, "freshness": "live"} for feed in self.pack.feeds)
        return Answer(question, "x", value=self.value, time=NOW, source="局", rows=rows)

    def feeds_of(self, question):
        return tuple(self.pack.metrics[question.name].feeds) if question.name in self.pack.metrics else ("assets",)


def live_topics(value, screens=SCREENS):
    pack = load_pack(HOME / "places" / "yudu")
    tables = SimpleNamespace(events=[1], assets=SimpleNamespace(layer=lambda _: [1]))
    web = SimpleNamespace(pack=pack, screens=screens, gate=Shelf(pack, value), clock=Clock(),
                          live=SimpleNamespace(tables=tables))
    return {row["id"] for row in topic_rows(web, demo_principal(COUNTY)) if row["live"]}


def test_topics_whose_every_phrase_is_shown_are_live_when_their_figures_are():
    assert live_topics(1.0) == {"E1", "E7", "C1", "Q1", "Q2", "Q3"}
    assert live_topics(None) == {"Q1"}, "the page of the feeds has no metric of its own"


def test_a_topic_is_not_live_without_the_panel_or_the_map_that_shows_it():
    bare = [replace(screen, map=replace(screen.map, also={})) for screen in SCREENS]
    assert "E7" not in live_topics(1.0, bare)
    without = [replace(screen, panels=tuple(panel for panel in screen.panels if panel.key != "p6"))
               for screen in SCREENS]
    assert "E1" not in live_topics(1.0, without)
