"""Finding under load and under rights: no text costs seconds, and nothing is told to whom it does not belong."""

from __future__ import annotations

import time

import numpy as np
import pytest

from access.principal import demo_principal
from data.clock import Clock
from data.errors import NotAllowed
from data.gate import Gate
from data.name_index import NONE, Named, section_of, typed
from data.spelling import Spelling
from tests.unit.test_finding import GONGJIANG, LINGBEI, ask, event, gate_in, pin, stored


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return gate_in(tmp_path_factory.mktemp("guards"))


@pytest.mark.parametrize("text", ["yue" * 19 + "v", "yue" * 19 + "yu" + "v", "yi" * 30, "an" * 29 + "v", "\ufdfa" * 60])
def test_no_text_makes_the_search_try_all_ways(gate: Gate, text: str) -> None:
    began = time.thread_time()
    assert ask(gate, text) == []
    assert time.thread_time() - began < 1


def test_ways_that_end_nowhere_hide_no_way_that_reads_the_name() -> None:
    spelling = Spelling({"约": ("yue",), "鱼": ("yu",), "额": ("e",), "吕": ("lv",)})
    spelling.learn(["约鱼额吕"])
    section = section_of([Named(("", "1"), ("约鱼额吕",), 0, 0.0, 0.0)])
    for text in ("yueyuelv", "yueyuel"):
        assert section.find(typed(text, spelling))[0] < NONE, text


def test_an_event_sent_on_to_another_township_is_that_ones(gate: Gate) -> None:
    events, old, new = gate.live.tables.events, demo_principal(GONGJIANG), demo_principal(LINGBEI)
    events.add([event("12345-0500", "古树倒伏", GONGJIANG)])
    gate.named._heard(20, ("events",))
    later = Clock().now().isoformat()
    try:
        assert [row["id"] for row in ask(gate, "古树倒伏", old)] == ["12345-0500"]
        events.add([event("12345-0500", "古树倒伏", LINGBEI, stage="dispatched", stage_time=later, lon=115.5,
                          lat=26.05)])
        assert "12345-0500" not in [one["id"] for one in pin(gate, "115.412,25.964", old).parts["events"]]
        near = {one["id"]: one["distance_m"] for one in pin(gate, "115.5,26.05", new).parts["events"]}
        assert near["12345-0500"] == 0
        gate.live.tables.versions["events"] += 1
        gate.named._heard(21, ("events",))
        assert ask(gate, "古树倒伏", old) == []
        row = ask(gate, "古树倒伏", new)[0]
        assert (row["id"], row["lon"], row["lat"]) == ("12345-0500", 115.5, 26.05)
    finally:
        events.keep(np.array([identity != "12345-0500" for identity in events.ids]))
        gate.named._heard(22, ("events",))


def test_what_a_feed_says_beside_an_asset_does_not_leave_with_the_pin(gate: Gate) -> None:
    persons = {"联系人": "张三丰", "电话": "13812345678", "id_card": "360731199001011234", "department": "水利局"}
    row = stored("asset", "assets", GONGJIANG, {"id": "PS1", "layer": "school", "name": "泵站", "lon": 115.41,
                                                "lat": 25.96, "properties": persons})
    gate.live.tables.assets.add([row])
    thing = pin(gate, "asset:assets:PS1").parts["thing"]
    assert thing["department"] == "水利局"
    assert not set(thing) & {"联系人", "电话", "id_card"}
    assert not {"张三丰", "13812345678", "360731199001011234"} & set(map(str, thing.values()))


@pytest.mark.parametrize("kind", ["asset:assets:", "event:events:"])
def test_whether_something_exists_elsewhere_is_not_told(gate: Gate, kind: str) -> None:
    said = []
    for identity in ("SC2" if kind.startswith("asset") else "12345-0008", "none"):
        with pytest.raises(NotAllowed) as caught:
            pin(gate, kind + identity, demo_principal(GONGJIANG))
        said.append(str(caught.value))
    assert said[0] == said[1]
