import numpy as np
import pytest
import shapely
from shapely import Point, Polygon, box

from geo.build import CannotBuild, Plan, Tier, build
from geo.coverage import exact, one_piece
from geo.divide import Seat, apportion, divide
from geo.divisions import Division, Divisions
from geo.layers import divisions_file, divisions_geojson, simplified
from geo.plane import Plane, areas_km2
from geo.power import Bend, half_plane
from geo.topology import check_topology

LEVELS = (("a", "甲"), ("b", "乙"), ("c", "丙"))
OUTLINE = Polygon([(110, 30), (110.4, 30.05), (110.5, 30.3), (110.3, 30.25), (110.25, 30.4), (110, 30.35),
                   (110.1, 30.2)])
TOWNS = (
    Seat("T1", "东镇", "R", (110.35, 30.12), area_km2=300.0),
    Seat("T2", "西镇", "R", (110.12, 30.08)),
    Seat("T3", "北镇", "R", (110.2, 30.3), also=((110.1, 30.33),)),
    Seat("T4", "园区", "R", area_km2=12.0, near=(110.2, 30.3)),
)


def plan(**changes):
    parts = {"root": Division("R", "某县", 0, None), "outline": OUTLINE, "levels": LEVELS, "given": {},
             "tiers": (Tier(TOWNS), Tier(cells=40, cell_name="{parent}{n:02d}"))}
    return Plan(**(parts | changes))


@pytest.fixture(scope="module")
def county():
    return build(plan())


def test_a_county_without_borders_gets_exact_ones(county):
    assert [len(county.at_level(level)) for level in range(3)] == [1, 4, 40]
    assert check_topology(county, tolerance_m2=1.0) == []
    for level in range(3):
        shapes = [county.geometry[i] for i in county.at_level(level)]
        assert shapely.is_valid(shapes).all()
        assert shapely.coverage_is_valid(shapes)
    whole = shapely.union_all([county.geometry[i] for i in county.at_level(2)])
    assert whole.symmetric_difference(county.geometry[0]).area == 0
    assert float(areas_km2([OUTLINE.symmetric_difference(whole)])[0]) < 0.2


def test_known_areas_and_places_are_kept(county):
    areas = dict(zip((item.code for item in county.items), areas_km2(county.geometry), strict=True))
    assert areas["T1"] == pytest.approx(300, rel=0.05)
    assert areas["T4"] == pytest.approx(12, rel=0.05)
    for seat in TOWNS:
        for place in seat.places:
            assert county.geometry[county.index(seat.code)].covers(Point(place))
    assert county.get("T4").seat is None
    assert not any(item.official for item in county.items)


def test_cells_have_codes_names_and_like_sizes(county):
    cells = county.children("T1")
    assert [cell.code for cell in cells] == [f"T1{n:03d}" for n in range(1, len(cells) + 1)]
    assert cells[0].name == "东镇01"
    sizes = areas_km2([county.geometry[i] for i in county.at_level(2)])
    assert np.median(sizes) / 2 < sizes.max() < np.median(sizes) * 2


def test_a_build_is_reproducible(county):
    assert divisions_file(build(plan()), 5) == divisions_file(county, 5)


def test_official_borders_are_kept_and_the_rest_yields():
    official = box(110.3, 30.05, 110.42, 30.2)
    found = build(plan(given={"T1": official}, official=frozenset({"T1"})))
    shape = found.geometry[found.index("T1")]
    assert float(areas_km2([shape.symmetric_difference(official)])[0]) < 0.001
    assert found.get("T1").official
    assert not found.get("T2").official
    assert check_topology(found, tolerance_m2=1.0) == []


def test_all_children_given_make_the_parent():
    halves = {"T1": box(1, 1, 1.1, 1.2), "T2": box(1.1, 1, 1.3, 1.2)}
    seats = tuple(Seat(code, code, "R") for code in halves)
    found = build(plan(outline=None, tiers=(Tier(seats),), levels=LEVELS[:2], given=halves))
    assert found.geometry[0].equals(box(1, 1, 1.3, 1.2))


def test_a_division_without_room_is_named():
    given = {"T1": OUTLINE}
    with pytest.raises(CannotBuild, match="T2 西镇"):
        build(plan(given=given, official=frozenset(given)))


def test_a_place_without_any_border_is_named():
    with pytest.raises(CannotBuild, match="R 某县"):
        build(plan(outline=None))


def test_divide_gives_one_piece_each_in_a_crooked_shape():
    crooked = Polygon([(0, 0), (1, 0), (1, 1), (0.55, 1), (0.55, 0.1), (0.45, 0.1), (0.45, 1), (0, 1)])
    cells = divide(crooked, [Seat(f"S{n}", "", "P", share=1.0) for n in range(7)], 1e-5)
    assert {cell.geom_type for cell in cells} == {"Polygon"}
    assert shapely.union_all(cells).symmetric_difference(crooked).area < 1e-4
    sizes = areas_km2(cells)
    assert sizes.max() / sizes.min() < 2.5


def test_exact_closes_slivers_and_settles_overlaps():
    left, right = box(0, 0, 1.00001, 1), box(0.9, 0, 2, 1)
    first, second = exact([left, right], 1e-3, box(0, 0, 2.5, 1))
    assert first.area == pytest.approx(1.0)
    assert second.area == pytest.approx(1.5)  # the strip nobody claimed goes to the neighbor
    assert first.intersection(second).area == 0


def test_one_piece_gives_away_the_part_without_the_seat():
    broken = shapely.union_all([box(0, 0, 1, 1), box(2, 0, 5, 1)])
    mains = one_piece([broken, box(1, 0, 2, 1)], [Point(0.5, 0.5), None])
    assert mains[0].equals(box(0, 0, 1, 1))
    assert mains[1].equals(box(1, 0, 5, 1))


def test_apportion_gives_everybody_one_and_the_total():
    assert apportion(np.array([0.01, 1.0, 3.0]), 10).tolist() == [1, 2, 7]
    assert apportion(np.array([1.0, 1.0, 1.0]), 2).tolist() == [1, 1, 1]


def test_the_bend_is_one_to_one():
    bend = Bend(5.0, 3)
    points = np.random.default_rng(1).uniform(-30, 30, (500, 2))
    assert np.abs(bend.straighten(bend.bend(points)) - points).max() < 1e-6


def test_half_plane_cuts_a_square():
    square = np.array([(0.0, 0.0), (2, 0), (2, 2), (0, 2)])
    assert Polygon(half_plane(square, np.array([1.0, 0.0]), 0.5)).area == pytest.approx(1.0)
    assert len(half_plane(square, np.array([1.0, 0.0]), -1)) == 0


def test_areas_agree_with_the_ellipsoid():
    # 0.1° × 0.1° at 26° N, integrated on GRS 80: 110.93 km²
    exact_km2 = _ellipsoid_box_km2(25.95, 26.05, 0.1)
    assert areas_km2([box(115, 25.95, 115.1, 26.05)])[0] == pytest.approx(exact_km2, rel=1e-5)
    plane = Plane(115.05, 26.0)
    assert plane.shape_to_km(box(115, 25.95, 115.1, 26.05)).area == pytest.approx(exact_km2, rel=1e-4)


def _ellipsoid_box_km2(south, north, width_deg):
    a, e2 = 6378.137, 0.00669438002290
    phi = np.linspace(np.radians(south), np.radians(north), 10_001)
    strip = a**2 * (1 - e2) * np.cos(phi) / (1 - e2 * np.sin(phi) ** 2) ** 2
    return float(np.trapezoid(strip, phi) * np.radians(width_deg))


def test_layers_carry_names_and_simplify_without_gaps(county):
    import orjson

    data = orjson.loads(divisions_geojson(county, county.at_level(1), digits=4))
    assert [row["properties"]["code"] for row in data["features"]] == ["T1", "T2", "T3", "T4"]
    assert set(data["features"][0]["properties"]) == {"code", "name", "level", "parent", "above", "official",
                                                        "label_at"}
    shapes = [county.geometry[i] for i in county.at_level(1)]
    for row, shape in zip(data["features"], shapes, strict=True):
        assert shape.contains(shapely.Point(row["properties"]["label_at"]))
    fewer = simplified(shapes, 0.01)
    assert shapely.get_num_coordinates(fewer).sum() < shapely.get_num_coordinates(shapes).sum() / 2
    assert shapely.coverage_is_valid(fewer)
    assert b'"features":[\n\n]' in divisions_geojson(county, [])


def test_topology_names_division_and_reason():
    items = [Division("R", "县", 0, None), Division("A", "甲镇", 1, "R"), Division("B", "乙镇", 1, "R")]

    def said(first, second):
        return check_topology(Divisions(items, [box(0, 0, 2, 1), first, second], LEVELS[:2]))

    assert said(box(0, 0, 1, 1), box(1, 0, 2, 1)) == []
    assert any("A 甲镇: 与 区划 B 乙镇 重叠" in text for text in said(box(0, 0, 1.2, 1), box(1, 0, 2, 1)))
    assert any("R 县: 下级没有占满" in text for text in said(box(0, 0, 0.9, 1), box(1, 0, 2, 1)))
    assert any("B 乙镇: 超出上级" in text for text in said(box(0, 0, 1, 1), box(1, 0, 2.5, 1)))
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert any("A 甲镇: 边界无效" in text for text in said(bow, box(1, 0, 2, 1)))
