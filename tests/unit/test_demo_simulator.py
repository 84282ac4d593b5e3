"""The simulator loses nothing when the door is shut, repeats nothing when it opens, and its past meets its present."""

import json
import stat
import threading
import time
from pathlib import Path

import httpx
import orjson
import pytest
import yaml
from demo_tree import PACK, county, pack_file

from data.clock import Clock
from data.errors import Unavailable
from data.records import parse
from data.settings import Settings
from demo import memory as memories
from demo.assets import features
from demo.bulletins import Bulletins
from demo.city_events import CityEvents
from demo.days import DAY_S, day_number
from demo.doors import TOKENS, PushDoor, drop
from demo.drops import drop_figures
from demo.economy import Economy
from demo.feeds import OBSERVED, Observations
from demo.opening import first_memory, opening, resume
from demo.simulate import Simulator
from demo.world import World

NOW = day_number("2026-11-22") * DAY_S + 6 * 3600 + 125
KINDS = {feed: block["kind"] for feed, block in pack_file("feeds.yaml").items()}


def make_world(scenario: str = "quiet") -> World:
    made = county(scenario, NOW)
    return World(made, Observations(made), CityEvents(made), Bulletins(made), Economy(made))


WORLD = make_world()


class Gate:
    """A push API in memory; it takes the first `open_for` calls, then refuses `shut_for`, then takes all."""

    def __init__(self, open_for: int = 10**9, shut_for: int = 0) -> None:
        self.calls, self.open_for, self.shut_for = 0, open_for, shut_for
        self.rows: dict[str, list[dict]] = {}
        self.tokens: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.open_for < self.calls <= self.open_for + self.shut_for:
            return httpx.Response(503, json={"title": "暂不可用"})
        feed = request.url.path.split("/")[4]
        self.tokens.add(request.headers["authorization"])
        rows = orjson.loads(request.content)
        for row in rows:
            parse(KINDS[feed], row)
        self.rows.setdefault(feed, []).extend(rows)
        return httpx.Response(200, json={"accepted": len(rows), "duplicate": 0, "rejected": []})


def make_simulator(folder: Path, gate: Gate, world: World = WORLD) -> Simulator:
    client = httpx.Client(base_url="http://test", transport=httpx.MockTransport(gate))
    settings = Settings(place=PACK, state=folder, _env_file=None)
    memory = first_memory(NOW, world.county.scenario)
    return Simulator(world, memory, PushDoor(settings, client), Clock(), folder)


def start(simulator: Simulator) -> list[int]:
    """A first start beside a collector that takes a while to read the register; how much was pushed before it was."""
    register = simulator.folder / "drop" / "assets"

    def read() -> None:
        while not (files := list(register.glob("*.geojson"))):
            time.sleep(0.01)
        time.sleep(0.3)
        early.append(simulator.door.accepted)
        (register / "done").mkdir()
        files[0].rename(register / "done" / files[0].name)

    early: list[int] = []
    collector = threading.Thread(target=read)
    collector.start()
    simulator.start(first=True)
    collector.join()
    return early


def test_no_reading_is_sent_before_its_station_is_known(tmp_path: Path) -> None:
    simulator = make_simulator(tmp_path, Gate())
    assert start(simulator) == [0]
    assert simulator.door.accepted > 15_000


def test_every_feed_of_the_pack_is_served() -> None:
    declared = {feed for feed, block in pack_file("feeds.yaml").items() if block["source"]["kind"] == "push"}
    assert declared == {*OBSERVED, "events", "warnings"}


def test_first_start_fills_the_first_screen(tmp_path: Path) -> None:
    gate = Gate()
    simulator = make_simulator(tmp_path, gate)
    start(simulator)
    assert {"rain", "river", "reservoir", "air_hourly", "sensors", "events", "power"} <= gate.rows.keys()
    assert 40_000 < sum(map(len, gate.rows.values())) < 90_000
    assert len({row["station"] for row in gate.rows["sensors"]}) > 1400
    assert all(row["demo"] for rows in gate.rows.values() for row in rows)
    assert next((tmp_path / "drop" / "assets" / "done").iterdir()).suffix == ".geojson"
    assert any((tmp_path / "drop" / "economy").iterdir())
    assert memories.load(tmp_path).sent["rain"] == NOW
    path = tmp_path / TOKENS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(gate.tokens) == len(json.loads(path.read_text()))


def test_a_shut_door_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    stretch, patient = 1800, Gate()
    simulator = make_simulator(tmp_path, patient)
    simulator.memory.sent = dict.fromkeys([*OBSERVED, "events", "warnings"], NOW)
    simulator.tick(NOW + stretch)
    broken = Gate(open_for=40, shut_for=25)
    simulator = make_simulator(tmp_path, broken)
    simulator.memory.sent = dict.fromkeys([*OBSERVED, "events", "warnings"], NOW)
    shut = sum(not simulator.tick(NOW + second) for second in range(1, stretch, 7))
    simulator.tick(NOW + stretch - 1)
    simulator.tick(NOW + stretch + 20)
    assert shut >= 25
    for feed, rows in patient.rows.items():
        wanted = [orjson.dumps(row) for row in rows]
        given = [orjson.dumps(row) for row in broken.rows[feed]]
        assert len(set(given)) == len(given), f"{feed}: repeated"
        assert set(wanted) <= set(given), f"{feed}: lost"


def test_a_restart_sends_what_is_missing(tmp_path: Path) -> None:
    memory = first_memory(NOW, "quiet")
    memory.sent = dict.fromkeys([*OBSERVED, "events", "warnings"], NOW)
    memory.save(tmp_path)
    again = memories.load(tmp_path)
    later = NOW + 5 * 3600
    resume(again, later, "quiet")
    gate = Gate()
    simulator = make_simulator(tmp_path, gate)
    simulator.memory = again
    simulator.tick(later)
    for _ in range(200):
        simulator.fill_gap()
    assert not any(again.gaps.values())
    for feed in ("rain", "power", "traffic"):
        wanted = WORLD.observations.reported(feed, NOW, later, again.fine_from)
        assert sorted(map(repr, wanted)) == sorted(map(repr, gate.rows[feed]))
    assert gate.rows["events"] == WORLD.events.changes(NOW, later)


def test_a_long_absence_is_left_to_history(tmp_path: Path) -> None:
    memory = first_memory(NOW, "quiet")
    memory.sent = dict.fromkeys([*OBSERVED, "events", "warnings"], NOW)
    later = NOW + 9 * DAY_S
    resume(memory, later, "quiet")
    assert memory.spans[-1] == (NOW // 3600 * 3600, memory.fine_from)
    assert later - memory.fine_from <= 2 * DAY_S + 3600
    assert all(first >= memory.fine_from for gaps in memory.gaps.values() for first, _ in gaps)


def test_assets_are_inside_the_county_and_marked() -> None:
    found = features(WORLD.county)
    west, south, east, north = WORLD.county.ground.divisions.geometry[0].bounds
    layers: dict[str, int] = {}
    for feature in found:
        lon, lat = feature["geometry"]["coordinates"]
        assert west <= lon <= east
        assert south <= lat <= north
        properties = feature["properties"]
        assert properties["demo"] is True
        assert properties["department"]
        layers[properties["layer"]] = layers.get(properties["layer"], 0) + 1
        parse("asset", {"id": feature["id"], "layer": properties["layer"], "name": properties["name"], "lon": lon,
                        "lat": lat, "geometry": feature["geometry"], "properties": properties})
    assert len({feature["id"] for feature in found}) == len(found)
    wanted = {"hydrant": 400, "shelter": 60, "camera": 300, "hazard": 68, "power": 24, "project": 40, "care": 36,
              "vehicle": 45}
    assert wanted.items() <= layers.items()
    shown = {block["source"] for block in pack_file("layers.yaml").values() if block["kind"] == "assets"}
    assert shown <= layers.keys()
    rivers = [feature["properties"] for feature in found if feature["properties"]["layer"] == "station_river"]
    assert all(facts["warn_m"] < facts["guarantee_m"] for facts in rivers)
    stations = {feature["id"] for feature in found}
    for feed in OBSERVED:
        assert {row["station"] for row in WORLD.observations.reported(feed, NOW - 5 * 3600, NOW)} <= stations


def test_storm_is_a_storm() -> None:
    world = make_world("storm")
    live = dict(opening(world, first_memory(NOW, "storm")))
    facts = {feature["id"]: feature["properties"] for feature in features(world.county)}
    newest = {row["station"]: row["value"] for feed in ("river", "reservoir") for row in live[feed]
              if row["metric"].endswith("level_m")}
    assert sum(value > facts[station]["warn_m"] for station, value in newest.items() if station.startswith("RV")) >= 1
    assert sum(value > facts[station]["flood_limit_m"] for station, value in newest.items()
               if station.startswith("RS")) == 2
    assert any(row["level"] == "red" and row["status"] == "actual" for row in live["warnings"])
    assert sum(row["value"] >= 15 for row in live["sensors"] if row["metric"] == "ponding_cm") >= 5


def test_feed_down_is_silent_where_it_says() -> None:
    world = make_world("feed-down")
    live = dict(opening(world, first_memory(NOW, "feed-down")))
    assert "hall" not in live
    assert max(row["time"] for row in live["parking"]) <= (NOW - 9000) * 1_000_000
    assert "gas_lel_pct" not in {row["metric"] for row in live["sensors"]}
    assert "pressure_mpa" in {row["metric"] for row in live["sensors"]}


def test_a_dropped_file_is_whole_when_it_is_there(tmp_path: Path) -> None:
    drop(tmp_path, "economy", "a.csv", b"1")
    assert [path.name for path in (tmp_path / "drop" / "economy").iterdir()] == ["a.csv"]
    drop_figures(WORLD, tmp_path, NOW - 20 * DAY_S, NOW)
    names = sorted(path.name for path in (tmp_path / "drop" / "economy").iterdir())
    assert names == ["a.csv", "economy-2026-10.csv"]


def test_the_push_door_says_why_it_is_shut(tmp_path: Path) -> None:
    gate = Gate(open_for=0, shut_for=1)
    simulator = make_simulator(tmp_path, gate)
    with pytest.raises(Unavailable, match="rain"):
        simulator.door.push("rain", [{"station": "x"}])


def test_pack_files_name_their_sources() -> None:
    limits = yaml.safe_load((PACK / "limits.yaml").read_text(encoding="utf-8"))
    assert all(block.get("source") for block in limits.values())


def test_a_connection_that_was_closed_meanwhile_is_opened_again(tmp_path: Path) -> None:
    gate, calls = Gate(), []

    def flaky(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        if len(calls) == 1:
            raise httpx.ReadError("closed", request=request)
        return gate(request)

    simulator = make_simulator(tmp_path, gate)
    simulator.door.client = httpx.Client(base_url="http://test", transport=httpx.MockTransport(flaky))
    rows = WORLD.observations.reported("rain", NOW - 600, NOW)
    assert simulator.try_push("rain", rows)
    assert gate.rows["rain"] == rows
