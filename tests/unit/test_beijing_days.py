"""The product's daily AQI of Beijing against days worked out apart from it (fixtures/beijing_worked.py)."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from analysis import air
from data.clock import Clock, to_us
from data.pack import load_pack
from data.sources.files import read_columns

ROOT = Path(__file__).parents[2]
WORKED = json.loads((ROOT / "tests" / "fixtures" / "beijing_aqi_2014-02.json").read_text(encoding="utf-8"))
ZIPPED = ROOT.parent / "shared" / "data" / "air" / "beijing_multisite_hourly_2013_2017.zip"
CASES = [(code, day) for code, area in WORKED["areas"].items() for day in area["days"]]


@pytest.fixture(scope="module")
def readings():
    """{(station, metric): {µs: value}} from the real zip through the feed's mapping, caps taken out."""
    if not ZIPPED.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{ZIPPED.name} is missing")
        pytest.skip("shared data is not here")
    feed = load_pack(ROOT / "places" / "beijing").feeds["air"]
    first, last = to_us(datetime(2014, 2, 19, 16, tzinfo=UTC)), to_us(datetime(2014, 2, 28, 16, tzinfo=UTC))
    found = {"read": 0, "rejected": 0, "rows": 0, "flagged": 0, "caps": 0}
    for chunk in read_columns(ZIPPED, feed, Clock()):
        found["read"] += chunk.read
        found["rejected"] += len(chunk.rejected)
        found["rows"] += chunk.table.num_rows
        found["flagged"] += chunk.counts["flagged"]
        for metric, check in feed.checks.items():
            values = chunk.table.filter(pc.equal(chunk.table["metric"], metric))["value"]
            found["caps"] += pc.sum(pc.is_in(values, pa.array(check.caps, pa.float64()))).as_py() or 0
        inside = pc.and_(pc.greater_equal(chunk.table["time"], first), pc.less(chunk.table["time"], last))
        for row in chunk.table.filter(inside).to_pylist():
            if row["value"] not in feed.checks[row["metric"]].caps:
                found.setdefault((row["station"], row["metric"]), {})[row["time"]] = row["value"]
    return found


def day_of(readings, stations, day):
    start = datetime.fromisoformat(f"{day}T00:00:00+08:00")
    hours = [to_us(start + timedelta(hours=hour)) for hour in range(24)]
    series = {name: {metric: readings.get((f"air-{name.lower()}", metric), {}) for metric in air.POLLUTANTS}
              for name in stations}
    return air.area_hours({name: {metric: [values.get(hour) for hour in hours] for metric, values in of.items()}
                           for name, of in series.items()})


@pytest.mark.parametrize(("code", "day"), CASES)
def test_each_day_equals_the_worked_one(readings, code, day):
    area = WORKED["areas"][code]
    expected = area["days"][day]
    found = air.daily_from_hours(day_of(readings, area["stations"], day), date.fromisoformat(day))
    assert (found.aqi, sorted(found.primary), found.published) == (
        expected["aqi"], expected["primary"], expected["published"])
    assert found.rules == WORKED["rules"]
    assert {item: {"n": found.counts[item], "valid": found.valid[item], "concentration": found.concentrations[item],
                   "iaqi": found.iaqi[item]} for item in expected["items"]} == {
        item: {key: step[key] for key in ("n", "valid", "concentration", "iaqi")}
        for item, step in expected["items"].items()}


def test_the_whole_zip_is_read_and_its_dirt_is_counted(readings):
    assert [readings[name] for name in ("read", "rejected", "rows", "flagged")] == [420_768, 0, 2_454_305, 21_312]
    assert readings["caps"] == 1 + 3 + 3 + 56 + 6 + 14


def test_the_nine_days_of_the_city_are_the_known_ones():
    days = WORKED["areas"]["110000000000"]["days"]
    assert [day["aqi"] for day in days.values()] == [256, 318, 313, 262, 315, None, None, 36, 113]
