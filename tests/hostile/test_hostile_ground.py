"""Files under the map from strangers: far too large, crossing themselves, off the earth, with names that do harm."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import orjson
import pytest
import shapely
from outcomes import CLOCK, feed
from test_hostile_places import RULE

from data.errors import NotFound, Unavailable, WrongInput
from data.ground_files import ground_json, versions
from data.place_check import check_place
from data.place_import import import_borders
from data.sandbox import Parser
from geo.topology import fault

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
BOW = {"type": "Polygon", "coordinates": [[[100, 30], [100.1, 30.1], [100.1, 30], [100, 30.1], [100, 30]]]}
HUGE = 300_000_000


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    root = tmp_path / "tiny"
    shutil.copytree(TINY, root)
    (root / "assets").mkdir()
    return root


def collection(*geometries: object, **properties: object) -> bytes:
    features = [{"type": "Feature", "properties": properties, "geometry": one} for one in geometries]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def huge(path: Path) -> Path:
    """300 MB that begin like a GeoJSON; the rest is a hole in the file, so that making it costs nothing."""
    with path.open("wb") as file:
        file.write(b'{"type": "FeatureCollection", "features": [')
        file.truncate(HUGE)
    return path


def test_a_file_of_300_mb_is_refused_at_every_door_at_once_and_in_one_sentence(pack: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    for name in ("rivers.geojson", "neighbours.geojson", "assets/bridges.geojson"):
        huge(pack / name)
    lines = check_place(pack)
    for name in ("rivers", "neighbours", "bridges"):
        told = [line for line in lines if f"{name}.geojson:1: " in line]
        assert len(told) == 1
        assert "MB" in told[0]
        assert "简化" in told[0]
    with pytest.raises(Unavailable, match="300 MB，超过 20 MB"):
        ground_json(pack, "rivers")
    with pytest.raises(WrongInput, match="超过 50 MB"):
        import_borders(pack, huge(tmp_path / "borders.geojson"))
    (pack / "divisions.geojson").unlink()
    huge(pack / "divisions.geojson")
    assert any("divisions.geojson:1: " in line and "超过 50 MB" in line for line in check_place(pack))
    assert time.monotonic() - began < 20


def test_a_file_of_300_mb_is_refused_by_the_import(tmp_path: Path) -> None:
    parser = Parser()
    try:
        with pytest.raises(WrongInput, match=r"超过 200 MB；请拆成较小的文件"):
            list(parser.rows(huge(tmp_path / "assets.geojson"), feed("geojson", RULE, "asset"), CLOCK))
    finally:
        parser.close()


def test_what_crosses_itself_is_named_with_its_place(pack: Path) -> None:
    (pack / "neighbours.geojson").write_bytes(collection(BOW, name="邻县"))
    (pack / "assets" / "ponds.geojson").write_bytes(collection(BOW, id="p", layer="pond", name="塘"))
    lines = check_place(pack)
    for name in ("neighbours", "ponds"):
        told = [line for line in lines if f"{name}.geojson" in line]
        assert len(told) == 1
        assert "边线自相交，在 100.05000，30.05000 附近" in told[0]
    # drawn all the same: even-odd filling of a picture needs no valid shape
    assert orjson.loads(ground_json(pack, "neighbours"))["features"]
    text = (pack / "divisions.geojson").read_text(encoding="utf-8")
    data = json.loads(text)
    data["features"][1]["geometry"] = BOW
    (pack / "divisions.geojson").write_text(json.dumps(data), encoding="utf-8")
    assert any("边线自相交，在 100.05000，30.05000 附近" in line for line in check_place(pack))


def test_every_reason_of_geos_has_words() -> None:
    hole = shapely.Polygon([(0, 0), (1, 0), (1, 1), (0, 1)], [[(5, 5), (6, 5), (6, 6)]])
    touching = shapely.Polygon([(0, 0), (2, 0), (2, 2), (1, 0), (0, 2)])
    for shape in (hole, touching):
        assert "：" in fault(shape)
    assert fault(shapely.box(0, 0, 1, 1)) == ""


@pytest.mark.parametrize(("at", "words"), [
    ([[25.9, 115.4], [25.8, 115.5]], "写反了"), ([[1e9, 25], [1, 2]], "不在地球上"),
    ([[39_500_000, 2_865_000], [39_500_100, 2_865_000]], "平面坐标请先转成")])
def test_places_off_the_earth_are_named(pack: Path, at: list[list[float]], words: str) -> None:
    (pack / "rivers.geojson").write_bytes(collection({"type": "LineString", "coordinates": at}, name="河"))
    assert [line for line in check_place(pack) if "rivers.geojson:1: 第 1 个要素（河）：" in line and words in line]


@pytest.mark.parametrize("name", ["第一行\n第二行", "\u202e名反", "长" * 10_000, "\u0000"])
def test_names_that_would_do_harm_are_named(pack: Path, name: str) -> None:
    line = {"type": "LineString", "coordinates": [[100, 30], [100.1, 30]]}
    (pack / "rivers.geojson").write_bytes(collection(line, name=name))
    data = json.loads((pack / "divisions.geojson").read_text(encoding="utf-8"))
    data["features"][1]["properties"]["name"] = name
    (pack / "divisions.geojson").write_text(json.dumps(data), encoding="utf-8")
    lines = check_place(pack)
    assert [one for one in lines if "rivers.geojson" in one and "控制字符" in one]
    assert [one for one in lines if "divisions.geojson" in one and "控制字符" in one]
    assert all(len(one) < 400 and one.isprintable() for one in lines)


def test_a_ground_file_that_vanishes_or_breaks_is_told_in_one_sentence(pack: Path) -> None:
    path = pack / "rivers.geojson"
    path.write_bytes(collection({"type": "LineString", "coordinates": [[100, 30], [100.1, 30]]}, name="河"))
    first = versions(pack)
    assert list(first) == ["rivers"]
    for broken in (b"{not json", b"[]", b'{"features": 7}', b"\x00\x01", b'{"features": [7]}',
                   collection({"type": "Nonsense"})):
        path.write_bytes(broken)
        with pytest.raises(Unavailable, match=r"rivers\.geojson.+请|rivers\.geojson.+用 \./yiping check"):
            ground_json(pack, "rivers")
    assert versions(pack) != first
    path.unlink()
    with pytest.raises(NotFound, match="不见了"):
        ground_json(pack, "rivers")
