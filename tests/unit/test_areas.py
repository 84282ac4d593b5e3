"""Drawn areas against pyproj and by their own laws: circle, polygon, line, river; what is refused, in what words."""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from geo.areas import BUFFER_M, MOST_POINTS, RADIUS_M, Area, BadArea, Drawn, area_of, parse

GEOD = Geod(ellps="GRS80")
PLACE = shapely.box(115.0, 25.5, 116.0, 26.5)
RIVERS = {"贡水(贡江)": shapely.MultiLineString([[(114.5, 26), (115.9, 26.01)], [(115.9, 26.01), (116.5, 26.1)]]),
          "梅江": shapely.LineString([(115.2, 25.6), (115.3, 25.7)]),
          "湘江": shapely.LineString([(112, 26), (112, 27)])}
LON, LAT = st.floats(115.2, 115.8), st.floats(25.7, 26.3)
PAIR = st.tuples(LON.map(lambda v: round(v, 5)), LAT.map(lambda v: round(v, 5)))


def made(text: str) -> Area:
    return area_of(parse(text), PLACE, RIVERS)


def scattered(count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.uniform(114.9, 116.1, count), rng.uniform(25.4, 26.6, count)


@pytest.mark.parametrize("text", ["circle:115.41234,25.95123,2000", "polygon:115.40000,25.90000;115.50000,25.90000;"
                                  "115.45000,26.00000", "line:500;115.40000,25.90000;115.50000,26.00000",
                                  "river:梅江,1000", "river:贡水(贡江),1500.5"])
def test_an_address_survives_reading_and_writing(text: str) -> None:
    assert parse(text).text == text


@settings(max_examples=60, deadline=None)
@given(PAIR, st.integers(20, 50_000))
def test_any_circle_comes_back_from_its_address(center: tuple[float, float], reach: int) -> None:
    drawn = Drawn("circle", (center,), float(reach))
    assert parse(drawn.text) == drawn


@settings(max_examples=60, deadline=None)
@given(st.lists(PAIR, min_size=3, max_size=12, unique=True))
def test_any_polygon_is_an_area_or_refused_in_a_sentence(points: list[tuple[float, float]]) -> None:
    drawn = Drawn("polygon", tuple(points))
    assert parse(drawn.text) == drawn
    if len({lat for _, lat in points}) == 1 or len({lon for lon, _ in points}) == 1:
        with pytest.raises(BadArea, match="没有围成面"):
            area_of(drawn, PLACE, {})
        return
    area = area_of(drawn, PLACE, {})
    assert area.km2 > 0
    assert shapely.is_valid(area.shape)
    lon, lat = scattered(500)
    assert (area.contains(lon, lat) == shapely.intersects_xy(area.shape, lon, lat)).all()


@settings(max_examples=40, deadline=None)
@given(PAIR, st.floats(20, 50_000))
def test_a_circle_holds_what_is_within_its_radius_by_geodesic(center: tuple[float, float], reach: float) -> None:
    area = area_of(Drawn("circle", (center,), reach), PLACE, {})
    lon, lat = scattered()
    length = GEOD.inv(np.full(len(lon), center[0]), np.full(len(lon), center[1]), lon, lat)[2]
    assert (area.contains(lon, lat) == (length <= reach)).all()
    rim = shapely.get_coordinates(area.shape)
    told = GEOD.inv(np.full(len(rim), center[0]), np.full(len(rim), center[1]), rim[:, 0], rim[:, 1])[2]
    assert np.abs(told - reach).max() < 0.001
    assert area.km2 == pytest.approx(np.pi * reach**2 / 1e6, rel=3e-4)


def test_points_just_in_and_just_out_of_a_circle() -> None:
    area = made("circle:115.5,26,10000")
    for azimuth in range(0, 360, 7):
        inner, outer = (GEOD.fwd(115.5, 26.0, azimuth, reach)[:2] for reach in (9999.9, 10000.1))
        assert area.contains([inner[0], outer[0]], [inner[1], outer[1]]).tolist() == [True, False], azimuth


def test_a_band_is_as_wide_as_it_says_in_the_zone_projection() -> None:
    """Against EPSG:4548 (central meridian 117°E), whose own scale is off by at most 1 in 5,000 here."""
    area = made("line:1000;115.4,25.9;115.5,25.95;115.6,25.92")
    to_zone = Transformer.from_crs("EPSG:4490", "EPSG:4548", always_xy=True)
    line = shapely.LineString(np.column_stack(to_zone.transform([115.4, 115.5, 115.6], [25.9, 25.95, 25.92])))
    lon, lat = scattered(20_000)
    away = shapely.distance(line, shapely.points(*to_zone.transform(lon, lat)))
    inside = area.contains(lon, lat)
    assert inside.any()
    assert (inside[away < 997]).all()
    assert not inside[away > 1003].any()
    near = away < 20_000
    assert np.abs(area.distance_m(lon, lat)[near] - away[near]).max() < 20_000 / 2000


def test_a_polygon_has_the_extent_that_pyproj_gives() -> None:
    area = made("polygon:115.4,25.9;115.5,25.9;115.5,26;115.4,26")
    square, length = GEOD.polygon_area_perimeter([115.4, 115.5, 115.5, 115.4], [25.9, 25.9, 26, 26])
    assert area.km2 == pytest.approx(abs(square) / 1e6, rel=1e-9)
    assert area.perimeter_m == pytest.approx(length, rel=1e-9)
    assert area.notes == ()
    assert area.center == pytest.approx((115.45, 25.95))


def test_crossing_edges_are_mended_and_said_with_the_place() -> None:
    area = made("polygon:115.4,25.9;115.5,26;115.5,25.9;115.4,26")
    assert shapely.is_valid(area.shape)
    assert len(shapely.get_parts(area.shape)) == 2
    assert area.notes == ("多边形的边在 115.45000,25.95000 相交，已按所围成的各块合计",)
    assert area.contains([115.41, 115.49, 115.45], [25.95, 25.95, 25.99]).tolist() == [True, True, False]


def test_a_river_is_found_by_name_or_a_part_of_it_and_ends_at_the_border() -> None:
    area = made("river:贡江,1000")
    assert area.drawn.text == "river:贡江,1000"
    assert area.linear
    west, _, east, _ = shapely.bounds(area.core)
    assert (west, east) == (115.0, 116.0)
    assert area.contains([115.5, 115.5, 114.7], [26.0, 26.05, 26.0]).tolist() == [True, False, False]
    assert area.distance_m([115.5], [26.05])[0] > 1000


def test_what_lies_over_the_border_is_said() -> None:
    assert made("circle:115.0,26,5000").notes == ("区域约 50% 在辖区之外，那里没有数据",)


@pytest.mark.parametrize(("text", "said"), [
    ("", "看不懂"), ("square:1,2", "看不懂"), ("circle", "看不懂"), ("circle:115.4,25.9", "圆写成"),
    ("circle:115.4,25.9,x", "半径 'x' 应为米数"), ("circle:a,b,100", "应为经度和纬度"),
    ("circle:nan,25.9,100", "经度和纬度"),
    ("circle:115.4,25.9,inf", "应为米数"), ("circle:115.4,25.9,1e9", "应为米数"), ("circle:25.9,115.4,100", "先写经度"),
    (f"circle:115.4,25.9,{RADIUS_M[1] + 1:g}", "不在 20 至 50000 米之间"), ("circle:115.4,25.9,0", "米之间"),
    (f"line:{BUFFER_M[1] + 1:g};115.4,25.9;115.5,25.9", "缓冲宽度 20001 米"), ("line:500;115.4,25.9", "线要 2 到"),
    ("line:500;115.4,25.9;115.4,25.9", "没有长度"), ("polygon:115.4,25.9;115.5,25.9", "多边形要 3 到"),
    ("polygon:115.4,25.9;115.5,25.9;115.4,25.9", "三个不同的点"),
    ("polygon:115.4,25.9;115.45,25.9;115.5,25.9", "没有围成面"),
    ("polygon:" + ";".join(f"115.{n:05d},26" for n in range(MOST_POINTS + 1)), f"这里是 {MOST_POINTS + 1} 个"),
    ("river:长江,500", "没有河流 '长江'；可用 贡水(贡江)、梅江、湘江"), ("river:江,500", "没有河流 '江'"),
    ("river:湘江,500", "不流经辖区"), ("river:500", "沿河写成"), ("circle:110,25.9,2000", "全部在辖区之外"),
    ("circle:" + "1" * 9000, "看不懂")])
def test_what_is_no_area_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(BadArea) as caught:
        made(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="circlepolygonriver:;,.-0123456789", max_size=80))
def test_no_text_does_anything_else_than_be_read_or_refused(text: str) -> None:
    with suppress(BadArea):
        assert area_of(parse(text), PLACE, RIVERS).km2 > 0


def test_not_a_number_is_outside() -> None:
    assert made("circle:115.5,26,5000").contains([np.nan, 115.5], [26.0, np.nan]).tolist() == [False, False]


@pytest.mark.parametrize(("form", "word"), [("polygon:", "多边形"), ("line:20;", "线")])
def test_a_tangle_is_refused_before_it_costs_anything(form: str, word: str) -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform((115.1, 25.6), (115.9, 26.3), (MOST_POINTS, 2))
    tangle = ";".join(f"{lon:.4f},{lat:.4f}" for lon, lat in points)
    began = time.process_time()
    with pytest.raises(BadArea, match=f"^{word}的边互相交叉 [0-9]+ 次，最多 60 次；"):
        made(form + tangle)
    assert time.process_time() - began < 0.5


def test_many_points_that_do_not_cross_are_an_area() -> None:
    turns = np.linspace(0, 2 * np.pi, MOST_POINTS, endpoint=False)
    ring = ";".join(f"{115.5 + .2 * np.cos(turn):.5f},{26 + .2 * np.sin(turn):.5f}" for turn in turns)
    assert made(f"polygon:{ring}").notes == ()
    assert made(f"line:100;{ring}").km2 > 0


def test_a_long_leg_of_a_line_does_not_bow() -> None:
    area = made("line:50;115.2,26;115.8,26")
    lon = np.array([115.5, 115.5, 115.35])
    lat = 26 + np.array([-20.0, 60.0, 20.0]) / 110_770
    assert area.distance_m(lon, lat) == pytest.approx([20, 60, 20], abs=0.2)
    assert area.contains(lon, lat).tolist() == [True, False, True]
    assert shapely.intersects_xy(area.shape, lon, lat).tolist() == [True, False, True]
