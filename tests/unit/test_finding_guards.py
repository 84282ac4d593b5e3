"""Finding under load and under rights: no text costs seconds, and nothing is told to whom it does not belong."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from access.principal import demo_principal
from api.spreadsheet import Sheet, csv_bytes, xlsx_bytes
from data.clock import Clock
from data.errors import NotAllowed
from data.exporting import _FORMULA
from data.gate import Gate
from data.name_index import NONE, Named, section_of, typed
from data.people import People
from data.spelling import Spelling, folded
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


@pytest.mark.parametrize("number", ["13812345678", "138-1234-5678", "０７９７６２１２３４５", "36073119900101123X"])
def test_a_number_in_a_title_is_no_way_to_an_event(gate: Gate, number: str) -> None:
    events = gate.live.tables.events
    events.add([event("12345-0600", f"举报人{number}反映噪声扰民", GONGJIANG)])
    gate.named._heard(30, ("events",))
    try:
        for typed_text in (number, number[:8], number[-7:], folded(number)):
            assert all(row["kind"] == "division" for row in ask(gate, typed_text)), typed_text
        row = ask(gate, "噪声扰民")[0]
        assert row["id"] == "12345-0600"
        assert row["name"].startswith(f"举报人{number[:3]}**")
        assert number[4:-3] not in row["name"]
    finally:
        events.keep(np.array([identity != "12345-0600" for identity in events.ids]))
        gate.named._heard(31, ("events",))


@pytest.mark.parametrize(("role", "name", "phone", "shown"), [
    ("书记", "张三丰13812345678", "13812345678*", ("书记", "张*************", "138*******8*")),
    ("书记13812345678", "张*丰", "*13812345678", ("书记138******78", "张**", "*13*******78")),
    ("书记", "张**", "138******78", ("书记", "张**", "138******78")),
    ("书记", "张三", "0797-6212345", ("书记", "张*", "079*******45")),
    ("书记", "张三", "6212转张三", ("书记", "张*", "621****")), ("书记", "", "", ("书记", "", ""))])
def test_persons_are_masked_whatever_stands_in_a_field(tmp_path: Path, role: str, name: str, phone: str,
                                                       shown: tuple[str, str, str]) -> None:
    (tmp_path / "people.csv").write_text(f"division,role,name,phone\n1,{role},{name},{phone}\n", encoding="utf-8")
    row = People(tmp_path).of("1")[0]
    assert (row["role"], row["name"], row["phone"]) == shown


@pytest.mark.parametrize("text", ["\n=1+1", "＝1+1", "＋1", "－1", "＠SUM(A1)", "=1", "\t=1"])
def test_no_text_of_a_table_becomes_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_bytes(Sheet("s", ("a",), [(text,)]), {}).decode("utf-8-sig"), newline="")))
    assert rows[1] == [f"'{text}"]
    assert pc.match_substring_regex(pa.array([text]), _FORMULA).to_pylist() == [True]


def test_what_is_no_number_is_an_empty_cell_of_a_workbook() -> None:
    made = xlsx_bytes([Sheet("s", ("a", "b"), [(float("nan"), 1.5), (float("inf"), float("-inf"))])], {})
    page = openpyxl.load_workbook(io.BytesIO(made))["s"]
    assert next([cell.value for cell in row] for row in page.iter_rows(min_row=2, max_col=2)) == [None, 1.5]
