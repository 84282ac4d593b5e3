"""Finding by name, pinyin, initials, code and coordinates: what is found, in which order, by whom, and how fast."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from access.principal import Principal, demo_principal
from data.answers import Question, Scope
from data.clock import Clock, to_us
from data.errors import NotAllowed, NotFound, WrongInput
from data.finding import Finder
from data.gate import Gate
from data.here import read_pin
from data.history_read import HistoryReader
from data.live import Live
from data.name_index import NONE, Named, section_of, typed
from data.pack import load_pack
from data.pack_layers import Spelled
from data.people import People, people_problems
from data.records import parse
from data.spelling import Spelling
from data.state import State
from data.windows import window_of
from geo.coordinates import read_point
from geo.geodesic import area_km2, distances_m

ROOT = Path(__file__).parents[2]
COUNTY, GONGJIANG, LINGBEI = "360731000000", "360731100000", "360731107000"
GRID = "360731100007001"
BOX = (115.1, 25.5, 115.9, 26.4)
NOW = Clock().now()


def stored(kind: str, feed: str, code: str, raw: dict[str, Any], seq: int = 1) -> dict[str, Any]:
    return {**parse(kind, raw), "seq": seq, "prev": 0, "received": to_us(NOW), "feed": feed, "code": code, "demo": True}


def asset(key: str, name: str, code: str, lon: float, lat: float, layer: str = "school", seq: int = 1) -> Any:
    return stored("asset", "assets", code, {"id": key, "layer": layer, "name": name, "lon": lon, "lat": lat}, seq)


def event(key: str, title: str, code: str, **more: Any) -> Any:
    at = NOW.isoformat()
    return stored("event", "events", code, {
        "id": key, "time": at, "category": "fac_lamp", "channel": "hotline", "stage": "received", "stage_time": at,
        "title": title, "lon": 115.412, "lat": 25.964, **more})


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return gate_in(tmp_path_factory.mktemp("finding"))


def gate_in(folder: Path) -> Gate:
    pack = load_pack(ROOT / "places" / "yudu")
    pack.names["测试学校"] = Spelled(alias=("老学堂",), pinyin=("ce shi xue tang",))
    live = Live(pack, State(f"unix://{folder}/none.sock", "t:"), HistoryReader(folder / "history"), Clock(), folder)
    live.tables.assets.add([
        asset("SC1", "贡江镇中心小学", GONGJIANG, 115.413, 25.965), asset("SC2", "中心小学", LINGBEI, 115.5, 26.05),
        asset("SC3", "测试学校", GONGJIANG, 115.4, 25.96),
        asset("HO1", "重光卫生院", GONGJIANG, 115.42, 25.97, "hospital"),
        asset("SC4", "无处小学", GONGJIANG, None, None)])
    live.tables.events.add([event("12345-0007", "贡江镇路灯不亮", GRID, reporter="赵钱孙 13812345678"),
                            event("12345-0008", "岭背路灯不亮", LINGBEI, lon=115.5, lat=26.05)])
    live.tables.versions |= {"events": 2, "assets": 1}
    found = Gate(pack, live, HistoryReader(folder / "history"))
    found.named.learn()
    return found


def ask(gate: Gate, text: str, who: Principal | None = None, division: str = "", limit: int = 12) -> list[Any]:
    principal = who or demo_principal(COUNTY)
    answer = gate.read(principal, Question("search", text, limit=limit), Scope(division or principal.division),
                       window_of({}, Clock().now(), "Asia/Shanghai"))
    return list(answer.rows)


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


@pytest.mark.parametrize("text", ["贡江镇", "gongjiangzhen", "GongJiangZhen", "gong jiang zhen", "gong'jiang'zhen",
                                  "贡江zhen", "gjz", "GJZ", "贡jz", "360731100000", "３６０７３１１０００００",
                                  "gongjiangzh"])
def test_a_township_is_found_however_it_is_typed(gate: Gate, text: str) -> None:
    assert ask(gate, text)[0]["id"] == GONGJIANG


@pytest.mark.parametrize("text", ["yudu", "yudou", "yuduxian", "ydx"])
def test_every_reading_of_a_polyphonic_name_finds_it(gate: Gate, text: str) -> None:
    assert ask(gate, text)[0]["id"] == COUNTY


def test_what_the_pack_calls_it_finds_it_too(gate: Gate) -> None:
    assert names(ask(gate, "老学堂")) == names(ask(gate, "ceshixuetang")) == ["测试学校"]
    own = Spelling({"圩": ("xu",)})
    own.learn(["圩镇"])
    section = section_of([Named(("", "1"), ("圩镇",), 0, 0.0, 0.0)])
    assert section.find(typed("xuzhen", own))[0] < NONE
    assert section.find(typed("weizhen", own))[0] == NONE


def test_order_is_exact_beginning_inside_initials_then_kind(gate: Gate) -> None:
    rows = ask(gate, "贡江镇", limit=50)
    assert [(row["kind"], row["match"]) for row in rows[:3]] == [
        ("division", "exact"), ("asset", "prefix"), ("event", "prefix")]
    assert names(ask(gate, "中心小学"))[:2] == ["中心小学", "贡江镇中心小学"]
    assert ask(gate, "zxxx")[0]["match"] == "initials"
    ranks = [("exact", "prefix", "inside", "initials").index(row["match"]) for row in ask(gate, "ling", limit=50)]
    assert ranks == sorted(ranks)


def test_what_is_nearer_to_the_division_in_view_comes_first(gate: Gate) -> None:
    assert ask(gate, "路灯不亮", division=GONGJIANG)[0]["id"] == "12345-0007"
    assert ask(gate, "路灯不亮", division=LINGBEI)[0]["id"] == "12345-0008"


def test_a_larger_division_comes_before_those_inside(gate: Gate) -> None:
    rows = ask(gate, "岭背村", limit=50)
    assert rows[0]["what"] == "村(社区)"
    assert {row["what"] for row in rows[1:] if row["kind"] == "division"} == {"网格"}


def test_several_words_must_all_be_found(gate: Gate) -> None:
    assert names(ask(gate, "贡江 小学")) == ["贡江镇中心小学"]
    assert ask(gate, "贡江 火箭") == []


def test_event_numbers_and_asset_ids_by_their_beginning(gate: Gate) -> None:
    assert [row["id"] for row in ask(gate, "12345-000")] == ["12345-0007", "12345-0008"]
    assert ask(gate, "12345-0008")[0]["match"] == "exact"
    assert ask(gate, "sc2")[0]["id"] == "SC2"


@pytest.mark.parametrize("text", ["", "  ", ".*", "[", "\\", "(?", "'", "\x00", "a" * 400, "火箭发射场", "%", "<img>"])
def test_odd_texts_find_nothing_and_break_nothing(gate: Gate, text: str) -> None:
    assert ask(gate, text) == []


def test_who_sees_one_township_finds_nothing_of_another(gate: Gate) -> None:
    who = demo_principal(GONGJIANG)
    for text in ("路灯", "中心小学", "lb", "岭背", "12345", "26.05,115.5", "于都县", "sc", "3607"):
        for row in ask(gate, text, who):
            assert GONGJIANG in gate.pack.divisions.chain(row["division_code"]), row
    assert ask(gate, "岭背镇", who) == ask(gate, "26.05,115.5", who) == []
    with pytest.raises(NotAllowed):
        ask(gate, "岭背", who, LINGBEI)


def test_a_reporter_is_no_way_to_an_event(gate: Gate) -> None:
    for text in ("赵钱孙", "zqs", "13812345678", "138"):
        assert all(row["kind"] == "division" for row in ask(gate, text)), text
        assert all("138" not in str(value) for row in ask(gate, "路灯") for value in row.values())


def test_coordinates_are_a_place(gate: Gate) -> None:
    row = ask(gate, "25.964,115.412")[0]
    assert (row["kind"], row["lon"], row["lat"]) == ("point", 115.412, 25.964)
    assert GONGJIANG in gate.pack.divisions.chain(row["division_code"])
    assert ask(gate, "1,2") == []


def test_the_names_follow_the_data(gate: Gate) -> None:
    tables = gate.live.tables
    tables.assets.add([asset("SC9", "新来的小学", GONGJIANG, 115.41, 25.96, seq=7)])
    tables.events.add([event("12345-0099", "桥头塌方", GONGJIANG)])
    assert ask(gate, "新来的小学") == []
    gate.named._heard(9, ("assets",))
    gate.named._heard(9, ("air_hourly",))
    assert names(ask(gate, "新来的小学")) == ["新来的小学"]
    assert names(ask(gate, "桥头塌方")) == ["桥头塌方"]
    tables.assets.add([asset("SC9", "改名的小学", GONGJIANG, 115.41, 25.96, seq=8)])
    tables.events.keep(np.array([identity != "12345-0099" for identity in tables.events.ids]))
    assert ask(gate, "桥头塌方") == [], "forgotten events are not told"
    gate.named._heard(10, ("events",))
    assert ask(gate, "新来的小学") == []
    assert names(ask(gate, "gaimingdexiaoxue")) == ["改名的小学"]


def pin(gate: Gate, text: str, who: Principal | None = None) -> Any:
    principal = who or demo_principal(COUNTY)
    return gate.read(principal, Question("pin", text, by="open_events"), Scope(principal.division),
                     window_of({}, Clock().now(), "Asia/Shanghai"))


def test_what_is_here(gate: Gate) -> None:
    found = pin(gate, "115.412,25.964")
    assert [step["code"] for step in found.parts["chain"]][:2] == [COUNTY, GONGJIANG]
    assert found.value == 1
    assert found.unit == "件"
    nearest = {one["layer"]: one for one in found.parts["nearest"]}
    assert nearest["school"]["name"] == "贡江镇中心小学"
    exact = distances_m(115.412, 25.964, [115.413], [25.965])[0]
    assert nearest["school"]["distance_m"] == pytest.approx(exact, abs=.06)
    assert [one["id"] for one in found.parts["events"]] == ["12345-0007"]


def test_a_pinned_asset_and_event(gate: Gate) -> None:
    assert pin(gate, "asset:assets:SC1").parts["thing"]["name"] == "贡江镇中心小学"
    assert "SC1" not in [one["id"] for one in pin(gate, "asset:assets:SC1").parts["nearest"]]
    assert pin(gate, "event:events:12345-0007").parts["thing"]["title"] == "贡江镇路灯不亮"
    assert pin(gate, "asset:assets:SC4").parts["nearest"] == []
    with pytest.raises(NotFound):
        pin(gate, "asset:assets:none")
    for odd in ("nowhere", "1,2,3", "nan,nan", "200,1", "asset:x"):
        with pytest.raises(WrongInput):
            read_pin(odd)


def test_a_pin_outside_what_one_may_see_is_refused(gate: Gate) -> None:
    who = demo_principal(GONGJIANG)
    for text in ("115.5,26.05", "asset:assets:SC2", "event:events:12345-0008", "100,30"):
        with pytest.raises(NotAllowed):
            pin(gate, text, who)
    assert {one["name"] for one in pin(gate, "115.41,25.96", who).parts["nearest"]}.isdisjoint({"中心小学"})
    assert pin(gate, "100,30").parts["code"] == ""


@pytest.mark.parametrize(("text", "lon", "lat"), [
    ("115.41,25.95", 115.41, 25.95), ("115.41，25.95", 115.41, 25.95), ("25.95 115.41", 115.41, 25.95),
    ("115°24′36″E 25°57′N", 115.41, 25.95), ("N25°57' E115°24'36\"", 115.41, 25.95),
    ("东经115°24′36″，北纬25°57′", 115.41, 25.95), ("gcj:115.41,25.95", 115.4048222, 25.9529122),
    ("百度：115.41,25.95", 115.3982779, 25.9470205), ("12 30", 12, 30)])
def test_coordinates_as_people_write_them(text: str, lon: float, lat: float) -> None:
    found = read_point(text, BOX)
    assert found is not None
    assert (found.lon, found.lat) == pytest.approx((lon, lat), abs=1e-6)


@pytest.mark.parametrize("text", ["", "贡江", "115.41", "200,100", "115°70′E 25°N", "E115,E25", "xx:115,25", "1,2,3"])
def test_what_is_no_coordinate(text: str) -> None:
    assert read_point(text, BOX) is None


def test_measuring_on_the_ellipsoid(gate: Gate) -> None:
    # One degree of the equator and of the meridian there, GRS 80.
    assert distances_m(0, 0, [1, 0], [0, 1]) == pytest.approx([111319.491, 110574.389], abs=.01)
    assert 2889 < area_km2(gate.pack.divisions.geometry[0]) < 2892


def test_people_are_masked_and_a_broken_file_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "people.csv"
    people = People(tmp_path / "nowhere", tmp_path)
    assert people.of(GONGJIANG) == ()
    file.write_text(f"division,role,name,phone,demo\n{GONGJIANG},镇长,张某某,13812345678,1\n", encoding="utf-8-sig")
    assert people.of(GONGJIANG) == ({"role": "镇长", "name": "张**", "phone": "138******78", "demo": True},)
    file.write_text("name\n甲\n", encoding="utf-8")
    assert people.of(GONGJIANG) == ()
    assert "缺少列" in caplog.text
    file.write_bytes(b"\xff\xfe")
    assert people.of(GONGJIANG) == ()


def test_the_check_of_a_pack_names_what_is_wrong_with_its_persons(gate: Gate, tmp_path: Path) -> None:
    divisions = gate.pack.divisions
    assert people_problems(tmp_path, divisions) == []
    (tmp_path / "people.csv").write_text(f"division,role,name,phone\n{GONGJIANG},书记,张三,1\n1,书记,张三,1\n"
                                         f"{GONGJIANG},,张三,\n", encoding="utf-8")
    assert [text[:2] for text in people_problems(tmp_path, divisions)] == ["3:", "4:"]


def test_sixty_thousand_names_are_searched_within_a_blink(gate: Gate) -> None:
    chance = random.Random(7)
    base = [item.name for item in gate.pack.divisions.items]
    tails = ("燃气监测", "智能井盖", "路灯不亮", "小学", "水库", "下水道堵塞污水外溢", "重大项目", "消防栓无水")
    things = [Named(("f", f"WP{at:05d}"), (chance.choice(base)[:4] + chance.choice(tails) + f"{at % 400}号",),
                    chance.randrange(len(base)), 115.4, 25.9) for at in range(60_000)]
    finder = Finder(gate.pack)
    finder.follow(gate.live.tables, threading.RLock())
    held = finder._held[gate.live.tables]
    finder._held[gate.live.tables] = type(held)(finder._section(things), held.events)
    allowed, took = np.ones(len(base), bool), []
    typed_texts = ["g", "gj", "gjz", "gongj", "gongjiang", "燃", "燃气", "燃气监测", "ranqi", "号", "wp01", "3607",
                   "xiaoxue", "贡江 燃气", "lou", "zzzz", "路灯不亮12", "xiadao", "sk", "重大"]
    for text in typed_texts * 2:
        began = time.thread_time()
        finder.search(gate._evaluator(None), (Question("search", text, limit=12), Scope(COUNTY)), allowed, to_us(NOW),
                      gate.live.lock)
        took.append(1000 * (time.thread_time() - began))
    assert float(np.percentile(took, 95)) < 30, took
