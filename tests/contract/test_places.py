"""Every pack under places/: divisions, borders, neighbours, assets, sources."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import shapely

from data.packfiles import read_divisions
from data.place_check import check_assets
from data.place_import import build_place
from data.place_source import level_pairs, read_place
from data.vectorfiles import read_vector
from geo.locate import Locator
from geo.plane import areas_km2
from geo.topology import check_topology

PLACES = Path(__file__).parents[2] / "places"
PACKS = sorted(path.parent for path in PLACES.glob("*/place.yaml"))
COUNTS = {"yudu": [1, 24, 401, 2600], "beijing": [1, 16]}


@pytest.fixture(scope="module")
def trees():
    found = {}
    for root in PACKS:
        problems = []
        found[root.name] = read_divisions(root, level_pairs(read_place(root)), problems)
        assert problems == []
    return found


def test_there_are_packs():
    assert {root.name for root in PACKS} >= {"yudu", "beijing"}


@pytest.mark.parametrize("root", PACKS, ids=lambda root: root.name)
def test_borders_are_exact(root, trees):
    tree = trees[root.name]
    assert check_topology(tree, tolerance_m2=1.0) == []
    for level in range(len(tree.level_names)):
        assert shapely.coverage_is_valid([tree.geometry[i] for i in tree.at_level(level)])


@pytest.mark.parametrize("root", PACKS, ids=lambda root: root.name)
def test_codes_and_levels(root, trees):
    tree = trees[root.name]
    place = read_place(root)
    assert (tree.root.code, tree.root.name) == (place.code, place.name)
    if root.name in COUNTS:
        assert [len(tree.at_level(level)) for level in range(len(place.levels))] == COUNTS[root.name]
        deepest = len(place.levels) - 1
        for item in tree.items:
            assert item.code.isdigit()
            assert len(item.code) == (15 if item.level == deepest == 3 else 12)
            assert not item.official
    assert all(tree.level[tree.parent[i]] == tree.level[i] - 1 for i in range(1, len(tree)))


@pytest.mark.parametrize("root", PACKS, ids=lambda root: root.name)
def test_ground_and_sources_are_there(root, trees):
    around = read_vector(root / "neighbours.geojson")
    assert len([row for row in around if row.properties["adjacent"]]) >= 4
    whole = trees[root.name].geometry[0]
    for row in around:
        assert row.properties["name"]
        assert areas_km2([shapely.intersection(row.geometry, whole)])[0] < 1.0
    text = (root / "SOURCES.md").read_text("utf-8")
    for name in ("divisions.geojson", "neighbours.geojson", "许可"):
        assert name in text


@pytest.mark.parametrize("root", PACKS, ids=lambda root: root.name)
def test_assets_are_sound(root, trees):
    assert check_assets(root, trees[root.name]) == []


@pytest.mark.parametrize("root", PACKS, ids=lambda root: root.name)
def test_seats_lie_in_their_divisions(root, trees):
    tree = trees[root.name]
    for item in [item for item in tree.items if item.seat]:
        assert shapely.intersects_xy(tree.geometry[tree.index(item.code)], *item.seat), item.name


def test_yudu_matches_its_lists(trees):
    tree, source = trees["yudu"], PLACES / "yudu" / "source"
    areas = areas_km2(tree.geometry)
    for name, level in (("townships.csv", 1), ("villages.csv", 2)):
        with (source / name).open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert {row["code"]: row["name"] for row in rows} == {tree.items[i].code: tree.items[i].name
                                                              for i in tree.at_level(level)}
        for row in rows:
            assert tree.get(row["code"]).parent == row["parent"]
            if row["area_km2"]:
                assert areas[tree.index(row["code"])] == pytest.approx(float(row["area_km2"]), rel=0.1), row["name"]
    assert areas[0] == pytest.approx(2893, rel=0.005)  # the official figure
    assert (PLACES / "yudu" / "divisions.geojson").stat().st_size < 2_500_000
    seats = [tree.items[i] for i in tree.at_level(1) if tree.items[i].seat]
    assert len(seats) == 23


def test_yudu_rivers_carry_their_licence():
    rows = read_vector(PLACES / "yudu" / "rivers.geojson")
    assert {shapely.get_type_id(row.geometry) for row in rows} == {1}
    assert {"贡水(贡江)", "梅江"} <= {row.properties["name"] for row in rows}
    assert "LGPL" in (PLACES / "yudu" / "rivers.LICENSE.txt").read_text("utf-8")


def test_beijing_stations_lie_in_their_districts(trees):
    tree = trees["beijing"]
    rows = read_vector(PLACES / "beijing" / "assets" / "stations_air.geojson")
    assert len({row.properties["id"] for row in rows}) == 12
    places = shapely.get_coordinates([row.geometry for row in rows])
    found = Locator(tree).locate(places[:, 0], places[:, 1])
    assert [tree.items[i].code for i in found] == [row.properties["division"] for row in rows]
    assert np.all([row.properties["accuracy_m"] >= 1000 and row.properties["source"] for row in rows])


def test_a_build_gives_the_committed_file_again(tmp_path):
    shutil.copytree(PLACES / "beijing", tmp_path / "beijing")
    (tmp_path / "beijing" / "divisions.geojson").unlink()
    build_place(tmp_path / "beijing")
    written = (tmp_path / "beijing" / "divisions.geojson").read_bytes()
    assert written == (PLACES / "beijing" / "divisions.geojson").read_bytes()
