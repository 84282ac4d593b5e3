"""The real hourly series of Beijing through `./yiping import`, and its daily AQI through the API."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from own_redis import ROOT
from web_server import serving

from data.settings import load_settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PLACE = ROOT / "places" / "beijing"
SERIES = ROOT.parent / "shared" / "data" / "air" / "beijing_multisite_hourly_2013_2017.zip"
WORKED = orjson.loads((ROOT / "tests" / "fixtures" / "beijing_aqi_2014-02.json").read_bytes())
DAYS = {"from": "2014-02-20", "to": "2014-03-01", "by": "day"}


def imported(state: Path, *arguments: str) -> str:
    environment = {**os.environ, "YIPING_STATE": str(state)}
    run = subprocess.run([sys.executable, str(ROOT / "app.py"), "--place", str(PLACE), "import", *arguments],
                         env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def beijing(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[tuple[httpx.Client, str]]:
    if not SERIES.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{SERIES} is missing")
        pytest.skip("the shared data is not there")
    state = tmp_path_factory.mktemp("beijing")
    imported(state, "stations", str(PLACE / "assets" / "stations_air.geojson"))
    said = imported(state, "air", str(SERIES))
    settings = load_settings(place=PLACE, state=state, redis_url=redis_url, cache_url=redis_url)
    with serving(settings) as (client, _):
        yield client, said


def test_the_import_accounts_for_every_row_and_value(beijing: tuple[httpx.Client, str]) -> None:
    said = beijing[1]
    assert "读取 420768 行" in said
    # 420,768 rows × 6 pollutants = accepted + missing (NA, counted apart with awk) + rejected (caps and limits).
    numbers = {word: int(said.split(word)[1].split()[0].rstrip("条处,，")) for word in ("接受", "无值", "拒绝")}
    assert sum(numbers.values()) == 420_768 * 6
    assert numbers["无值"] == 70_303


@pytest.mark.parametrize("division", sorted(WORKED["areas"]))
def test_nine_daily_indices_equal_the_hand_calculation(beijing: tuple[httpx.Client, str], division: str) -> None:
    series = beijing[0].get("/api/v1/metrics/aqi", params={"division": division, **DAYS}).json()["series"]
    worked: dict[str, Any] = WORKED["areas"][division]["days"]
    assert [row["time"][:10] for row in series] == list(worked)
    assert [row["value"] for row in series] == [day["aqi"] for day in worked.values()]
    assert [row["primary"] for row in series] == [day["primary"] for day in worked.values()]
    assert [row["valid"] for row in series] == [
        {item: found["valid"] for item, found in day["items"].items()} for day in worked.values()]


def test_a_district_without_a_station_is_unknown_not_zero(beijing: tuple[httpx.Client, str]) -> None:
    answer = beijing[0].get("/api/v1/metrics/aqi", params={**DAYS, "by": "district"}).json()
    features = orjson.loads((PLACE / "assets" / "stations_air.geojson").read_bytes())["features"]
    with_station = {feature["properties"]["division"] for feature in features}
    known = {code for code, value in answer["rows"].items() if value is not None}
    assert len(answer["rows"]) == 16
    assert known == with_station


def test_the_screen_of_that_time_shows_the_city_and_marks_silent_districts(beijing: tuple[httpx.Client, str]) -> None:
    view = beijing[0].get("/api/v1/view", params={"screen": "ecology", "metric": "aqi", "from": "2014-02-20",
                                                 "to": "2014-02-24"}).json()
    assert "未知" in view["regions"]["legends"]
    assert view["map"]["level"] == "district"


def test_an_imported_feed_is_known_and_a_finished_window_does_not_age(beijing: tuple[httpx.Client, str]) -> None:
    rows = {row["feed"]: row for row in beijing[0].get("/api/v1/feeds").json()["feeds"]}
    assert rows["air"]["last_time"] == "2017-02-28T23:00:00+08:00"
    assert rows["air"]["freshness"] != "unknown"
    answer = beijing[0].get("/api/v1/metrics/pm25", params={"from": "2014-02-20", "to": "2014-02-24"}).json()
    assert (answer["freshness"], answer["time"][:13]) == ("scheduled", "2014-02-23T23")
