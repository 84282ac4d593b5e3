"""What is in a drawn area: people without a guess, lists, rights, the past, the nearest resources, and how soon."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import box

from access.principal import demo_principal
from data import area_answers
from data.answers import Question, Scope, Window
from data.area_ground import AreaGround
from data.clock import Clock, to_us
from data.errors import NotAllowed, WrongInput
from data.event_table import EventTable
from data.gate import Gate
from data.history_read import HistoryReader
from data.live import Live
from data.metrics import Evaluator
from data.pack import Metric, Pack
from data.pack_layers import Layer
from data.place_check import check_roads
from data.records import Row
from data.state import State
from data.travel import Travel
from geo.divisions import Division, Divisions
from tests.unit.test_engine import NOW, ROOT, TOWN_A, TOWN_B, H, Memory, event, pack

V = [f"1000001000{n:02d}" for n in range(1, 5)]
W = "100000200001"
LAYERS = {"school": Layer(name="学校", topic="L2", kind="assets", source="school", roles=("sensitive",),
                          sums={"pupils": "在校学生"}),
          "slide": Layer(name="滑坡点", topic="M4", kind="assets", source="slide", roles=("hazard",)),
          "team": Layer(name="队伍", topic="M8", kind="assets", source="team", roles=("resource",)),
          "lamp": Layer(name="路灯", topic="C6", kind="assets", source="lamp")}
PEOPLE = Metric(name="常住人口", topic="O2", feeds=("f",), formula={"kind": "indicator", "id": "population"},
                over_area="sum", over_time="last", level="village")
WINDOW = Window(NOW - 24 * H, NOW, "24h")


def tree() -> Divisions:
    """A county of 0.2° by 0.1°: the west town has four villages side by side, the east one is one village."""
    items = [Division(ROOT, "县", 0, None), Division(TOWN_A, "甲镇", 1, ROOT), Division(TOWN_B, "乙乡", 1, ROOT),
             *(Division(code, f"村{n}", 2, TOWN_A) for n, code in enumerate(V, 1)), Division(W, "东村", 2, TOWN_B)]
    shapes = [box(115, 26, 115.2, 26.1), box(115, 26, 115.1, 26.1), box(115.1, 26, 115.2, 26.1),
              *(box(115 + 0.025 * n, 26, 115.025 + 0.025 * n, 26.1) for n in range(4)), box(115.1, 26, 115.2, 26.1)]
    return Divisions(items, shapes, [("county", "县"), ("township", "乡镇"), ("village", "村")])


def asset(layer: str, key: str, lon: float | None, lat: float | None, code: str = ROOT, **properties: Any) -> Row:
    return {"id": key, "layer": layer, "name": f"{layer}{key}", "lon": lon, "lat": lat, "geometry": None, "feed": "f",
            "properties": json.dumps(properties), "code": code, "demo": True, "seq": 1, "prev": 0, "received": 1}


def people(code: str, value: float | None) -> Row:
    return {"indicator": "population", "basis": "annual", "division": code, "period": "2025", "value": value,
            "received": to_us(NOW), **dict.fromkeys(("yoy", "yoy_kind", "mom", "target", "rank", "status", "note"))}


class Place:
    """The tables of a small county, and what is asked of them."""

    def __init__(self, root: Path = Path("."), travel: Travel | None = None) -> None:
        self.memory = Memory(tree())
        made = pack({"population": PEOPLE}, self.memory.divisions)
        self.pack: Pack = replace(made, root=root, layers=LAYERS, travel=travel or Travel())
        self.ground = AreaGround(self.pack)
        self.evaluator = Evaluator(self.pack, self.memory)

    def ask(self, text: str, kind: str = "area", code: str = ROOT, **more: Any) -> Any:
        question = Question(kind, text, limit=more.get("limit", 0))
        scope = Scope(code, more.get("filters", ()))
        if kind == "nearest":
            return area_answers.near(self.evaluator, self.ground, question, scope)
        return area_answers.inside(self.evaluator, self.ground, question, scope, more.get("window", WINDOW))


@pytest.fixture
def place() -> Place:
    found = Place()
    found.memory.indicators.add([*(people(code, 100.0 * n) for n, code in enumerate(V, 1)), people(W, 5000)])
    found.memory.assets.add([
        asset("school", "s1", 115.05, 26.05, V[1], pupils=300, phone="13800001111"),
        asset("school", "s2", 115.051, 26.05, V[2], pupils=50), asset("school", "s3", 115.15, 26.05, W, pupils=900),
        asset("school", "s4", None, None, V[0], pupils=7), asset("slide", "h1", 115.05, 26.051, V[1], level="中型"),
        asset("team", "t1", 115.02, 26.05, V[0], online=False), asset("team", "t2", 115.12, 26.05, W),
        asset("lamp", "l1", 115.05, 26.05, V[1])])
    at = {"lon": 115.05, "lat": 26.05}
    found.memory.events.add([
        event("open", "received", NOW - 5 * H, NOW - 5 * H, V[1], due=(NOW + H).isoformat(), title="井盖", **at),
        event("late", "received", NOW - 5 * H, NOW - 5 * H, V[1], due=(NOW - H).isoformat(), title="积水", lon=115.052,
              lat=26.05),
        event("done", "received", NOW - 9 * H, NOW - 9 * H, V[1], **at),
        event("done", "closed", NOW - 9 * H, NOW - 2 * H, V[1], **at),
        event("nowhere", "received", NOW - 5 * H, NOW - 5 * H, V[1])])
    return found


def listed(answer: Any, name: str) -> list[str]:
    return [row["id"] for row in answer.rows if row["list"] == name]


def summary(answer: Any, name: str) -> dict[str, Any]:
    return next(found for found in answer.parts["lists"] if found["key"] == name)


def test_lists_hold_what_lies_inside_nearest_first_with_sums_and_what_has_no_place(place: Place) -> None:
    answer = place.ask("circle:115.05,26.05,1000")
    assert listed(answer, "sensitive") == ["s1", "s2"]
    assert listed(answer, "hazard") == ["h1"]
    school = summary(answer, "sensitive")
    assert (school["n"], school["blind"], school["kinds"][0]["sums"]) == (2, 1, {"在校学生": 350})
    assert [row["distance_m"] for row in answer.rows[:2]] == [0, 100]
    assert answer.rows[2]["text"] == "中型"
    assert answer.rows[2]["division"] == "甲镇 村2"
    assert "phone" not in json.dumps(answer.rows, ensure_ascii=False)
    assert "1380" not in json.dumps(answer.rows)
    assert not any(row["layer"] == "lamp" for row in answer.rows)
    assert answer.demo
    assert answer.total == 2 + 1 + 0 + 2


def test_open_events_gravest_first_and_those_without_coordinates_said(place: Place) -> None:
    answer = place.ask("circle:115.05,26.05,1000")
    assert listed(answer, "event") == ["late", "open"]
    found = summary(answer, "event")
    assert (found["n"], found["blind"], found["overdue"]) == (2, 1, 1)
    assert [(row["state"], row["name"], row["overdue_s"]) for row in answer.rows if row["list"] == "event"] == [
        ("warn", "积水", 3600), ("att", "井盖", 0)]
    none = place.ask("circle:115.05,26.05,1000", filters=(("category", "other"),))
    assert listed(none, "event") == []
    assert summary(none, "event")["blind"] == 0


def test_an_instant_of_the_past_shows_what_stood_then(place: Place) -> None:
    then = Window(NOW - 30 * H, NOW - timedelta(hours=4), at=NOW - 4 * H)
    assert sorted(listed(place.ask("circle:115.05,26.05,1000", window=then), "event")) == ["done", "late", "open"]


def test_people_are_whole_villages_by_their_points_and_never_split(place: Place) -> None:
    told = place.ask("polygon:114.99,25.99;115.03,25.99;115.03,26.11;114.99,26.11").parts["people"]
    assert (told["value"], told["least"], told["most"]) == (100, 100, 300)
    assert (told["n_whole"], told["n_partly"], told["n_outside"]) == (1, 0, 1)
    assert [(row["name"], row["value"], row["part"]) for row in told["rows"]] == [
        ("村1", 100, "whole"), ("村2", 200, "outside")]
    more = place.ask("polygon:114.99,25.99;115.04,25.99;115.04,26.11;114.99,26.11").parts["people"]
    assert (more["value"], more["least"], more["most"], more["n_partly"]) == (300, 100, 300, 1)
    assert more["period"] == "2025"
    assert more["level_word"] == "村"


def test_a_village_without_a_figure_is_unknown_not_empty(place: Place) -> None:
    place.memory.indicators.add([people(V[0], None)])
    told = place.ask("circle:115.0125,26.05,500").parts["people"]
    assert (told["value"], told["unknown"]) == (None, 1)


def test_a_township_sees_only_its_own_part(place: Place) -> None:
    wide = "circle:115.1,26.05,9000"
    assert sorted(listed(place.ask(wide), "sensitive")) == ["s1", "s2", "s3"]
    mine = place.ask(wide, code=TOWN_B)
    assert listed(mine, "sensitive") == ["s3"]
    assert listed(mine, "event") == []
    assert [row["name"] for row in mine.parts["people"]["rows"]] == ["东村"]
    village = place.ask(wide, code=V[0])
    assert listed(village, "resource") == ["t1"]
    assert village.rows[0]["text"] == "离线"


def test_a_list_can_be_cut_and_says_so(place: Place) -> None:
    found = summary(place.ask("circle:115.05,26.05,1000", limit=1), "sensitive")
    assert (found["n"], found["shown"]) == (2, 1)


@pytest.mark.parametrize("text", ["", "circle:115.05,26.05", "circle:117,26.05,1000", "river:贡江,500"])
def test_what_is_no_area_is_refused(place: Place, text: str) -> None:
    with pytest.raises(WrongInput):
        place.ask(text)


def test_nearest_without_roads_is_the_straight_line_with_its_assumptions(place: Place) -> None:
    answer = place.ask("115.05,26.05", "nearest")
    assert [(row["id"], row["way"], row["road_m"]) for row in answer.rows] == [("t1", "straight", None),
                                                                              ("t2", "straight", None)]
    row, travel = answer.rows[0], answer.parts["travel"]
    assert row["minutes"] == round(5 + row["straight_m"] * 1.4 / (40_000 / 60), 1)
    assert (travel["detour"], travel["speed_kmh"], travel["departure_min"]) == (1.4, 40, 5)
    assert "没有路网" in answer.note
    assert answer.parts["kinds"] == [
        {"layer": "team", "name": "队伍", "known": 2, "unready": 0, "compared": 2}]
    assert place.ask("circle:115.05,26.05,500", "nearest").parts["from"] == [115.05, 26.05]
    with pytest.raises(WrongInput, match="辖区之外"):
        place.ask("117,26", "nearest")


def test_who_says_not_to_be_ready_is_not_sought_but_counted(place: Place) -> None:
    place.memory.assets.add([asset("team", "t0", 115.05, 26.05, V[1], ready=False),
                             asset("team", "t3", 115.04, 26.05, V[1], ready=True)])
    answer = place.ask("115.05,26.05", "nearest")
    assert [(row["id"], row["text"]) for row in answer.rows] == [("t3", "可出动"), ("t1", "离线"), ("t2", "")]
    assert answer.parts["kinds"][0] == {"layer": "team", "name": "队伍", "known": 4, "unready": 1, "compared": 3}
    drawn = place.ask("circle:115.05,26.05,500")
    assert {"t0": "不可出动"}.items() <= {row["id"]: row["text"] for row in drawn.rows}.items()


def test_a_detour_factor_is_never_told_with_another_ones_source() -> None:
    assert (Travel().detour_source, Travel(detour=1.8).detour_source) == ("假定，未经实测", "地方包没有写明来源")
    assert Travel(detour=1.8, detour_source="本县实测 2025").detour_source == "本县实测 2025"


def test_nearest_by_road_may_be_another_one(tmp_path: Path) -> None:
    """A river without a bridge: the team that is nearer as the crow flies has no way, or a long one round."""
    lines = [("a", [(115.05, 26.05), (115.12, 26.05)]), ("b", [(115.02, 26.05), (115.02, 26.0), (115.12, 26.0)]),
             ("b", [(115.12, 26.0), (115.12, 26.05)])]
    features = [{"type": "Feature", "properties": {"class": name},
                 "geometry": {"type": "LineString", "coordinates": line}} for name, line in lines]
    (tmp_path / "roads.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    by_road = Place(tmp_path, Travel(roads={"a": 60, "b": 30}, off_road_m=300))
    by_road.memory.assets.add([asset("team", "t1", 115.02, 26.05, V[0]), asset("team", "t2", 115.12, 26.05, W),
                               asset("team", "t3", 115.05, 26.09, V[1])])
    answer = by_road.ask("115.05,26.05", "nearest")
    assert [(row["id"], row["way"], row["why"]) for row in answer.rows] == [
        ("t2", "road", ""), ("t3", "straight", "离道路 4,432 米"), ("t1", "road", "")]
    t2 = answer.rows[0]
    assert t2["road_m"] == pytest.approx(7004, abs=2)
    assert t2["minutes"] == pytest.approx(12, abs=.1)
    assert answer.rows[2]["straight_m"] < t2["straight_m"] < answer.rows[2]["road_m"]
    far = by_road.ask("115.07,26.03", "nearest")
    assert "此处离最近的道路" in far.note
    assert {row["way"] for row in far.rows} == {"straight"}


def test_sixty_thousand_places_are_answered_in_time(place: Place) -> None:
    """The promise is 95 of 100 under 300 ms; here the processor's time of a few, which other work does not lengthen."""
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(115, 115.2, 60_000), rng.uniform(26, 26.1, 60_000)
    place.memory.assets.add(asset(("school", "slide", "team")[n % 3], f"a{n}", float(lon[n]), float(lat[n]), V[1])
                            for n in range(30_000))
    events = place.memory.events
    first = events.columns.extend(30_000)
    events.ids += [f"b{n}" for n in range(30_000)]
    events.texts += [("", "", "")] * 30_000
    events.columns["lon"][first:], events.columns["lat"][first:] = lon[30_000:], lat[30_000:]
    events.columns["division"][first:], events.columns["time"][first:] = 4, to_us(NOW - H)
    assert isinstance(events, EventTable)
    took = []
    for n in range(8):
        began = time.process_time()
        answer = place.ask(f"circle:{115.05 + n / 100},26.05,{2000 + 500 * n}")
        near = place.ask(f"{115.05 + n / 100},26.05", "nearest")
        took.append(time.process_time() - began)
        assert answer.total > 3000
        assert len(near.rows) == 3
        assert answer.n <= 800
    # The first one puts the assets' places into columns.
    assert sorted(took)[-2] < 0.3, [f"{1000 * t:.0f} ms" for t in took]


def test_the_gate_keeps_rights_and_help_does_not_end_at_the_border_of_the_view(place: Place, tmp_path: Path) -> None:
    reader = HistoryReader(tmp_path / "history")
    live = Live(place.pack, State(f"unix://{tmp_path}/none.sock", "t:"), reader, Clock(), tmp_path)
    live.tables.assets.add([asset("team", "t1", 115.02, 26.05, V[0]), asset("team", "t2", 115.12, 26.05, W)])
    gate, area = Gate(place.pack, live, reader), Question("area", "circle:115.1,26.05,9000")
    near, county, town = Question("nearest", "115.05,26.05"), demo_principal(ROOT), demo_principal(TOWN_B)
    assert [row["id"] for row in gate.read(county, area, Scope(TOWN_A), WINDOW).rows] == ["t1"]
    assert [row["id"] for row in gate.read(county, near, Scope(TOWN_A), WINDOW).rows] == ["t1", "t2"]
    assert [row["id"] for row in gate.read(town, near, Scope(TOWN_B), WINDOW).rows] == ["t2"]
    assert [row["id"] for row in gate.read(town, area, Scope(TOWN_B), WINDOW).rows] == ["t2"]
    with pytest.raises(NotAllowed):
        gate.read(town, area, Scope(ROOT), WINDOW)
    assert set(gate.feeds_of(area)) == {"f"}


@pytest.mark.parametrize(("text", "said"), [
    ('{"type": "FeatureCollection", "features": []}', "没有一条道路"), ("{", "roads.geojson"),
    ('{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": '
     '{"type": "Point", "coordinates": [1, 2]}}]}', "第 1 个要素不是线")])
def test_a_road_file_that_is_none_is_told_by_check(place: Place, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "roads.geojson").write_text(text)
    bad = replace(place.pack, root=tmp_path)
    assert said in check_roads(bad)[0]
    with pytest.raises(WrongInput, match=r"roads\.geojson"):
        area_answers.near(place.evaluator, AreaGround(bad), Question("nearest", "115.05,26.05"), Scope(ROOT))
    assert check_roads(place.pack) == []
