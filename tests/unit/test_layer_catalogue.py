"""The catalogue of layers: made from the declarations, each with its own freshness; bad files are said in their row."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from access.principal import demo_principal
from api import view
from api.maplayers import densities, layer_questions, points, sheets
from api.web import Web
from api.web_app import services
from data.answers import Answer, Question, Scope, Window
from data.catalogue import entries
from data.metrics import Evaluator
from data.pack import load_pack
from data.pack_layers import Layer
from data.settings import load_settings
from layouts import maplayers
from layouts.screens import BY_KEY
from layouts.tools import layers as tool
from layouts.view import MapState, ViewState
from tests.fixtures import answers as invented

YUDU = Path(__file__).parents[2] / "places" / "yudu"
ROOT = "360731000000"
PRINCIPAL = demo_principal(ROOT)
SPAN = Window(datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC), "24h")
OVERVIEW = BY_KEY["overview"]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Web:
    """The services of the county before its first record."""
    folder = tmp_path_factory.mktemp("catalogue")
    return services(load_settings(place=YUDU, state=folder, redis_url=f"unix://{folder}/none.sock"), load_pack(YUDU))


def rows(web: Web) -> dict[str, dict[str, Any]]:
    found = web.gate.read(PRINCIPAL, Question("layers"), Scope(ROOT), SPAN)
    return {f"{row['kind']}:{row['id']}": row for row in found.rows}


def test_everything_that_is_declared_is_in_the_catalogue(web: Web) -> None:
    found = rows(web)
    assert {key for key in found if key.startswith("metric:")} == {f"metric:{key}" for key in web.pack.metrics}
    assert {row["id"] for row in found.values() if row["kind"] in ("assets", "events")} == set(web.pack.layers)
    assert found["ground:rivers"]["count"] > 0
    assert "GSHHG" in found["ground:rivers"]["source"]


def test_a_metric_says_its_levels_department_and_age_as_its_own_answer_does(web: Web) -> None:
    found = rows(web)
    for name in ("river_over_m", "good_day_rate", "gdp"):
        alone = web.gate.read(PRINCIPAL, Question("metric", name), Scope(ROOT), SPAN)
        row = found[f"metric:{name}"]
        assert (row["source"], row["cadence_s"], row["freshness"]) == (alone.source, alone.cadence_s, alone.freshness)
    assert found["metric:river_over_m"]["levels"] == ["county", "township"]
    assert found["metric:river_over_m"]["classes"] == ["natural", "quantile", "thresholds"]
    assert found["metric:gdp"]["classes"] == ["natural", "quantile"]
    assert found["metric:warnings_active"]["classes"] == []


def test_marks_with_readings_are_as_fresh_as_the_readings(web: Web) -> None:
    found = rows(web)
    assert found["assets:station_river"]["feeds"] == list(web.gate.feeds_of(Question("metric", "river_over_m")))
    assert found["assets:station_river"]["cadence_s"] == 300
    assert found["assets:hydrant"]["cadence_s"] == 86_400


def test_a_file_of_lines_that_cannot_be_read_is_said_in_its_row(web: Web, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "good.geojson").write_text(
        '{"features": [{"properties": {"source": "测绘局"}, "geometry": null}]}', encoding="utf-8")
    (tmp_path / "assets" / "bad.geojson").write_text("{", encoding="utf-8")
    lines = {key: Layer(name=key, topic="C7", kind="lines", source=key) for key in ("good", "bad", "missing")}
    pack = replace(web.pack, root=tmp_path, layers=lines, metrics={})
    found, total = entries(Evaluator(pack, web.live.tables), Scope(ROOT), 0, lambda *_: Answer(Question("layers"), ""),
                           web.gate.feeds_of)
    assert total == 4
    assert [(row["freshness"], row["count"], row["source"]) for row in found if row["id"] in lines] == [
        ("scheduled", 1, "测绘局"), ("down", None, ""), ("down", None, "")]


def shown(**more: Any) -> ViewState:
    return ViewState(division=ROOT, map=MapState(**more))


def test_what_this_place_does_not_have_is_left_out_of_the_view(web: Web) -> None:
    asked = {"metric": "nonsense", "level": "galaxy", "classes": "magic", "layers": "hazard,<img>,heat.camera,heat.x"}
    kept = view.view_of(web, OVERVIEW, asked).map
    assert kept == MapState(layers=("hazard", "heat.camera"))
    good = {"metric": "gdp", "level": "grid", "classes": "natural"}
    assert view.view_of(web, OVERVIEW, good).map == MapState("gdp", (), "grid", "", "natural")


def test_switching_one_layer_leaves_the_others_and_one_density_at_a_time_is_on() -> None:
    asked = shown(layers=("events", "hydrant", "heat.camera"))
    assert maplayers.toggled(OVERVIEW, asked, "hydrant") == "events,heat.camera"
    assert maplayers.toggled(OVERVIEW, asked, "school") == "events,hydrant,heat.camera,school"
    assert maplayers.toggled(OVERVIEW, shown(layers=("hydrant",)), "hydrant") == "none"
    assert maplayers.heats_on(OVERVIEW, shown(layers=("heat.camera", "heat.events"))) == ("events",)
    assert maplayers.layers_on(OVERVIEW, shown(layers=("none",))) == ()


def test_a_layer_of_the_catalogue_is_asked_for_and_drawn_on_any_screen(web: Web) -> None:
    asked = shown(layers=("school", "station_river", "heat.hydrant"))
    questions = layer_questions(web, OVERVIEW, asked)
    assert questions["layer.school"] == Question("rows", "assets:school", limit=1, order="open")
    assert questions["state.station_river"] == Question("metric", "river_over_m", "station")
    assert {"layer.heat.hydrant", "heat.hydrant"} <= set(questions)
    down = Answer(questions["layer.school"], "", freshness="down")
    drawn = points(web, OVERVIEW, asked, {"layer.school": down}, False)
    assert {one["layer"]: one["old"] for one in drawn} == {"school": True, "station_river": False}
    assert f"division={ROOT}" in next(one["url"] for one in drawn if one["layer"] == "station_river")


def test_a_density_has_its_bandwidth_and_the_address_of_the_very_points(web: Web) -> None:
    asked = shown(layers=("heat.hydrant",))
    held = Answer(Question("rows", "assets:hydrant"), "", rows=(
        *({"lon": 115.4 + k / 100, "lat": 25.9, "n": 1} for k in range(9)), {"lon": 115.5, "lat": 26.0, "n": 40}))
    found = densities(web, OVERVIEW, asked, {"heat.hydrant": held})
    told = sheets(web, OVERVIEW, asked, found)["heat"]
    assert told["bandwidth"] == found["hydrant"].bandwidth_m == 1500
    assert told["limits"] == list(found["hydrant"].limits)
    assert told["url"].startswith("/api/v1/layers/hydrant.geojson?division=")
    asked_for = layer_questions(web, OVERVIEW, asked)["heat.hydrant"]
    assert (asked_for.kind, asked_for.name) == ("marks", "assets:hydrant")
    assert told["url"].endswith(f"&zoom={asked_for.zoom}")


@pytest.mark.parametrize("division", ["", "360731104000", "1", "<img>"])
def test_what_a_density_rests_on_is_known_for_any_address(web: Web, division: str) -> None:
    found = view.feeds_of(web, "overview", {"layers": "heat.hydrant", "division": division})
    assert "assets" in found


def drawn(mood: str = "full", **more: Any) -> str:
    screen, asked = OVERVIEW, shown(**more)
    answers = {"catalogue": invented.invent(Question("layers"), mood)}
    return str(tool._render(answers, screen, invented.context(screen, asked)))


def test_every_entry_has_its_switch_source_time_and_mark() -> None:
    html = drawn(layers=("hazard",))
    entries_ = re.findall(r"<li data-name.*?</li>", html, re.DOTALL)
    assert len(entries_) == 7
    assert all("县城市运行中心" in entry for entry in entries_)
    assert sum('class="on"' in entry for entry in entries_) == 2    # the layer, and the ground that is always there
    hazard = next(entry for entry in entries_ if "隐患点" in entry)
    assert "fr-down" in hazard
    assert 'aria-current="true"' in hazard
    assert "1,236 处" in hazard


def test_only_ways_of_classes_that_the_metric_has_are_offered() -> None:
    html = drawn(metric="aqi", classes="natural")
    assert re.findall('data-set="[^"]*classes[^"]*"[^>]*>([^<]+)<', html) == ["默认", "自然断点", "分位"]
    assert "颜色为生效预警的最高级别" in drawn(metric="warnings_active")


def test_a_hostile_name_stays_text_and_a_silent_catalogue_says_so() -> None:
    assert "<img" not in drawn("hostile")
    assert "图层目录暂时读不出" in drawn("empty")


@pytest.mark.parametrize(("fresh", "count", "told"), [
    ("down", 12, "灰色为最后已知"), ("down", 0, "本区划没有"), ("late", 12, "迟滞"), ("unknown", 0, "未知")])
def test_a_layer_that_is_not_as_it_should_be_is_never_silently_empty(fresh: Any, count: int, told: str) -> None:
    asked = shown(layers=("hazard",))
    context = replace(invented.context(OVERVIEW, asked), layers={"hazard": ("triangle", count)})
    answer = Answer(Question("rows", "assets:hazard"), "", freshness=fresh, time=invented.NOW)
    html = str(maplayers.layer_legend(OVERVIEW, {"layer.hazard": answer}, context))
    assert told in html
    assert {"down": "不可用", "late": "迟滞", "unknown": "未知"}[fresh] in html
