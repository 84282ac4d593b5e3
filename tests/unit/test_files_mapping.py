import gzip
import zipfile
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.clock import Clock, to_us
from data.errors import WrongInput
from data.feed_mapping import Mapping, ValueColumn
from data.mapped_columns import canonical_schema
from data.mapping import RowMapper
from data.pack import Feed, FeedSource
from data.records import parse
from data.sources.files import FORMATS, as_columns, read_columns, read_file
from data.written import instant, number, scaled, zone_of

CLOCK = Clock()
SHANGHAI = ZoneInfo("Asia/Shanghai")
WIDE = Mapping(
    fields={"station": "站点"}, time_columns=("year", "month", "day", "hour"), timezone="Asia/Shanghai",
    values={"PM2.5": ValueColumn(metric="pm25"), "PM10": ValueColumn(metric="pm10"),
            "CO": ValueColumn(metric="co", scale=0.001)},
    codes={"station": {"东四": "air-dongsi", "天坛": "air-tiantan"}}, missing=("", "NA"), not_above={"pm25": "pm10"})
HEAD = "No,year,month,day,hour,PM2.5,PM10,CO,站点\n"


def feed(rule=None, kind="observation", form="csv", **source):
    return Feed(name="试验", topic="N1", department="部门", kind=kind, cadence="1h", map=rule or Mapping(),
                source=FeedSource(kind="file", format=form, **source))


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def both(path, of):
    """Rows and columns of a file, which must say the same."""
    chunks, tables = list(read_file(path, of, CLOCK)), list(read_columns(path, of, CLOCK))
    rows = [parse(of.kind, row) for chunk in chunks for row in chunk.rows]
    columns = [row for chunk in tables for row in chunk.table.to_pylist()]
    for row in rows + columns:
        row.setdefault("demo", False)
    key = orjson.dumps
    assert sorted(rows, key=lambda row: key(row, option=orjson.OPT_SORT_KEYS)) == sorted(
        columns, key=lambda row: key(row, option=orjson.OPT_SORT_KEYS))
    assert sorted(r for c in chunks for _, r in c.rejected) == sorted(r for c in tables for _, r in c.rejected)
    assert sum(c.read for c in chunks) == sum(c.read for c in tables)
    assert {k: sum(c.counts[k] for c in chunks) for k in chunks[0].counts} == {
        k: sum(c.counts[k] for c in tables) for k in chunks[0].counts}
    return rows, [item for chunk in chunks for item in chunk.rejected], chunks


def test_a_wide_table_becomes_observations(tmp_path):
    body = HEAD + "1,2014,2,20,0,35,60,700,东四\n2,2014,2,20,1,NA,61,,东四\n3,2014,2,20,24,9,9,1300,天坛\n"
    rows, rejected, chunks = both(write(tmp_path, "a.csv", body), feed(WIDE))
    assert rejected == []
    assert len(rows) == 7
    first = to_us(datetime(2014, 2, 20, tzinfo=SHANGHAI))
    assert rows[0] == {"station": "air-dongsi", "metric": "pm25", "time": first, "value": 35.0, "quality": None,
                       "demo": False}
    assert [row["value"] for row in rows if row["metric"] == "co"] == [0.7, 1.3]
    assert rows[-1]["time"] == first + 24 * 3_600_000_000
    assert chunks[0].counts == {"values": 9, "missing": 2, "repaired": 0, "flagged": 0, "lost": 0}
    assert chunks[-1].done_bytes == chunks[-1].total_bytes == len(body.encode())


def test_a_contradiction_is_flagged_and_both_values_are_kept(tmp_path):
    rows, _, chunks = both(write(tmp_path, "a.csv", HEAD + "1,2014,2,20,0,61,60,700,东四\n"), feed(WIDE))
    assert {row["metric"]: row["quality"] for row in rows} == {"pm25": "pm25>pm10", "pm10": "pm25>pm10", "co": None}
    assert chunks[0].counts["flagged"] == 1


def test_bad_cells_lose_only_themselves_and_bad_rows_only_their_row(tmp_path):
    body = HEAD + ("1,2014,2,20,0,abc,60,700,东四\n2,2014,2,30,0,1,1,1,东四\n3,2014,2,20,1,1,2,3,无此站\n"
                   "4,2014,2,20,2,1e999,5,300,天坛\n5,2014,2,20\n6,2014,2,20,3,１２,13,300,天坛\n")
    rows, rejected, chunks = both(write(tmp_path, "a.csv", body), feed(WIDE))
    assert [(row["metric"], row["value"]) for row in rows] == [
        ("pm10", 60.0), ("co", 0.7), ("pm10", 5.0), ("co", 0.3), ("pm25", 12.0), ("pm10", 13.0), ("co", 0.3)]
    reasons = " ".join(reason for _, reason in rejected)
    assert len(rejected) == 5
    for part in ("PM2.5: 应为数，得到 'abc'", "没有这个时刻", "没有对应 '无此站'", "不是有限的数", "应为 9 列"):
        assert part in reasons
    assert chunks[0].counts["repaired"] == 1
    assert chunks[0].read == 6


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_encodings_are_found(tmp_path, encoding):
    body = (HEAD + "1,2014,2,20,0,35,60,700,东四\n").encode(encoding)
    rows, rejected, _ = both(write(tmp_path, "a.csv", body), feed(WIDE))
    assert rejected == []
    assert {row["station"] for row in rows} == {"air-dongsi"}


@pytest.mark.parametrize("mark", ["\t", ";", "|"])
def test_delimiters_are_found(tmp_path, mark):
    body = (HEAD + "1,2014,2,20,0,35,60,700,东四\n").replace(",", mark)
    rows, _, _ = both(write(tmp_path, "a.tsv", body), feed(WIDE))
    assert len(rows) == 3


def test_zip_members_and_gz_are_read(tmp_path):
    body = (HEAD + "1,2014,2,20,0,35,60,700,东四\n").encode()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/one.csv", body)
        archive.writestr("x/two.csv", body.replace("东四".encode(), "天坛".encode()))
        archive.writestr("readme.md", "no data")
        archive.writestr("__MACOSX/x/._one.csv", b"\x00\x05")
    rows, _, chunks = both(tmp_path / "a.zip", feed(WIDE, member="*.csv"))
    assert {row["station"] for row in rows} == {"air-dongsi", "air-tiantan"}
    assert chunks[-1].done_bytes == chunks[-1].total_bytes == 2 * len(body)
    rows, _, _ = both(write(tmp_path, "b.csv.gz", gzip.compress(body)), feed(WIDE))
    assert len(rows) == 3


def test_canonical_json_lines_csv_and_parquet_say_the_same(tmp_path):
    plain = [{"station": "s1", "metric": "pm25", "time": "2026-11-22T08:00:00+08:00", "value": 12.5},
             {"station": "s2", "metric": "pm25", "time": "2026-11-22T00:00:00Z", "value": 13}]
    lines = write(tmp_path, "a.jsonl", b"\n".join(orjson.dumps(row) for row in plain) + b"\n\n")
    document = write(tmp_path, "a.json", orjson.dumps({"code": 200, "data": plain}))
    table = write(tmp_path, "a.csv", "station,metric,time,value\n" + "\n".join(
        ",".join(str(cell) for cell in row.values()) for row in plain))
    micros = to_us(datetime(2026, 11, 22, tzinfo=UTC))
    pq.write_table(pa.table({"station": ["s1", "s2"], "metric": ["pm25"] * 2, "time": [micros] * 2,
                             "value": [12.5, 13.0]}), tmp_path / "a.parquet")
    found = [both(path, feed(form=""))[0] for path in (lines, document, table, tmp_path / "a.parquet")]
    assert all(rows == found[0] for rows in found)
    assert [(row["time"], row["value"]) for row in found[0]] == [(micros, 12.5), (micros, 13.0)]


def test_geojson_features_become_assets(tmp_path):
    collection = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "id": 7, "geometry": {"type": "Point", "coordinates": [116.4, 39.9]},
         "properties": {"layer": "station_air", "name": "东四", "accuracy_m": 50}},
        {"type": "Feature", "id": "r1", "geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]},
         "properties": {"layer": "river", "name": "河"}},
        {"type": "Feature", "id": "bad", "geometry": None, "properties": None}, "no feature"]}
    path = write(tmp_path, "a.geojson", orjson.dumps(collection))
    rule = Mapping(fields={"id": "id", "layer": "layer", "name": "name", "lon": "lon", "lat": "lat",
                           "geometry": "geometry", "properties": "properties"})
    chunk = next(read_file(path, feed(rule, "asset", "geojson"), CLOCK))
    made = [parse("asset", row) for row in chunk.rows]
    assert [(row["id"], row["layer"], row["lon"], row["lat"]) for row in made] == [
        ("7", "station_air", 116.4, 39.9), ("r1", "river", None, None)]
    assert made[0]["properties"]["accuracy_m"] == 50
    assert len(chunk.rejected) == 2
    table = next(read_columns(path, feed(rule, "asset", "geojson"), CLOCK)).table
    assert orjson.loads(table.to_pylist()[1]["geometry"])["type"] == "LineString"


def test_assets_need_no_mapping(tmp_path):
    collection = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [116.4, 39.9]},
         "properties": {"id": "a1", "layer": "station_air", "name": "东四", "source": "公开资料"}}]}
    path = write(tmp_path, "a.geojson", orjson.dumps(collection))
    rows, rejected, _ = [*both_assets(path)]
    assert rejected == []
    assert rows == [{"id": "a1", "layer": "station_air", "name": "东四", "lon": 116.4, "lat": 39.9,
                     "geometry": {"type": "Point", "coordinates": [116.4, 39.9]},
                     "properties": collection["features"][0]["properties"], "demo": False}]


def both_assets(path):
    chunk = next(read_file(path, feed(kind="asset", form="geojson"), CLOCK))
    return [parse("asset", row) for row in chunk.rows], chunk.rejected, chunk


def test_events_by_column_keep_their_rules(tmp_path):
    time = to_us(datetime(2026, 11, 22, tzinfo=UTC))
    columns = {"id": ["e1", "e2", "e3"], "time": [time] * 3, "category": ["a"] * 3, "channel": ["b"] * 3,
               "stage": ["received", "lost", "received"], "stage_time": [time] * 3, "lon": [115.4, 1.0, None],
               "lat": [25.9, 1.0, 25.9]}
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    chunk = next(read_columns(tmp_path / "e.parquet", feed(kind="event", form="parquet"), CLOCK))
    assert chunk.table.schema == canonical_schema("event")
    assert chunk.table["id"].to_pylist() == ["e1"]
    assert [reason for _, reason in chunk.rejected] == [
        "stage: 不在 received/filed/dispatched/handling/reported/checked/closed/rated 之中",
        "需要 lon 与 lat，或 division"]


def test_indicators_by_column_check_their_period(tmp_path):
    body = ("indicator,division,period,basis,value,yoy\ngdp,1,2026Q1,cumulative,5,\ngdp,1,2026Q9,cumulative,5,\n"
            "gdp,1,2026,annual,,\n")
    chunk = next(read_columns(write(tmp_path, "i.csv", body), feed(kind="indicator"), CLOCK))
    assert chunk.table["period"].to_pylist() == ["2026Q1"]
    assert len(chunk.rejected) == 2


def test_an_unknown_column_of_a_canonical_file_is_not_silently_lost(tmp_path):
    path = write(tmp_path, "a.csv", "station,metric,time,value,valeu2\ns,m,2026-11-22T00:00:00Z,1,2\n")
    row = next(read_file(path, feed(), CLOCK)).rows[0]
    with pytest.raises(ValueError, match="valeu2"):
        parse("observation", row)
    assert "valeu2" in next(read_columns(path, feed(), CLOCK)).rejected[0][1]


def test_a_missing_column_names_file_column_and_remedy(tmp_path):
    path = write(tmp_path, "a.csv", "year,month,day,hour,PM2.5,CO,站点\n2014,2,20,0,1,2,东四\n")
    for read in (read_file, read_columns):
        with pytest.raises(WrongInput, match=r"文件 a.csv：缺少列 PM10.*feeds.yaml"):
            next(read(path, feed(WIDE), CLOCK))


@pytest.mark.parametrize(("text", "expected"), [
    ("2026-11-22T08:30:00+08:00", datetime(2026, 11, 22, 0, 30, tzinfo=UTC)),
    ("2026/11/22 8:30", datetime(2026, 11, 22, 0, 30, tzinfo=UTC)),
    ("2026年11月22日8时30分", datetime(2026, 11, 22, 0, 30, tzinfo=UTC)),
    ("2026-11-22 24:00", datetime(2026, 11, 22, 16, tzinfo=UTC)),
    ("20261122083000", datetime(2026, 11, 22, 0, 30, tzinfo=UTC)),
    ("２０２６-11-22 08:30", datetime(2026, 11, 22, 0, 30, tzinfo=UTC)),
    ("2026.2.28", datetime(2026, 2, 27, 16, tzinfo=UTC)),
    ("1988-07-01 12:00", datetime(1988, 7, 1, 3, tzinfo=UTC)),
])
def test_instants_as_departments_write_them(text, expected):
    assert instant(text, SHANGHAI) == to_us(expected)


@pytest.mark.parametrize("text", ["", "昨天", "2026-02-29", "2026-11-22 25:00", "13/11/2026"])
def test_no_instant_is_guessed(text):
    with pytest.raises(ValueError, match=r"时"):
        instant(text, SHANGHAI)


def test_bare_numbers_need_a_declared_unit_and_wild_instants_are_refused():
    with pytest.raises(ValueError, match="time_unit"):
        instant(1763769600, SHANGHAI)
    with pytest.raises(ValueError, match="缺少时区"):
        instant("2026-11-22 08:00", None)
    assert instant(1763769600000, None, "ms") == instant("1763769600", None, "s")
    wrong = RowMapper(feed(Mapping(time_unit="s", fields={"time": "t", "value": "v"})), CLOCK)
    assert "请核对单位" in wrong.apply([{"t": 1763769600000, "v": 1}]).rejected[0][1]


@pytest.mark.parametrize("cell", ["", "1,234", "1_000", "nan", "inf", "-", "12 ug", "0x10", "1e999", 10**400, True,
                                  [1], "二"])
def test_no_number_is_guessed(cell):
    with pytest.raises(ValueError, match="数"):
        number(cell)


def test_numbers_and_scaling():
    assert [number(cell) for cell in ("12", "-.5", "1e3", "３．２", " 7 ", 5)] == [
        (12.0, False), (-0.5, False), (1000.0, False), (3.2, True), (7.0, True), (5.0, False)]
    assert [scaled(value, 0.001, 0.0) for value in (700.0, 1300.0, 4100.0)] == [0.7, 1.3, 4.1]
    assert scaled(20.0, 1.0, 273.15) == 293.15


def test_zones():
    assert zone_of("") is None
    assert instant("2026-11-22 08:00", zone_of("+08:00")) == instant("2026-11-22 08:00", SHANGHAI)
    with pytest.raises(WrongInput, match="时区"):
        zone_of("Mars/Olympus")


def test_origins_name_the_raw_row():
    found = RowMapper(feed(WIDE), CLOCK).apply([
        {"year": 2014, "month": 2, "day": 20, "hour": 0, "PM2.5": 1, "PM10": "x", "CO": "NA", "站点": "东四"}, {}])
    assert (found.origin, found.rejected_origin) == ([0], [0, 1])


def test_every_format_is_registered_once():
    assert len({known.name for known in FORMATS}) == len(FORMATS)
    assert as_columns("observation", [{"station": "s"}])[1][0][1] == "缺少 metric"
