"""Local tile archives: the right tile, nothing but pictures, nothing outside the pack, damage told in one sentence."""

import asyncio
import gzip
import sqlite3
import struct
import tracemalloc
from contextlib import closing
from types import SimpleNamespace

import httpx
import pytest
from pmtiles.tile import TileType
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from api import faults, tiles
from data import tile_files
from data.errors import NotFound, Unavailable, WrongInput, YipingError
from data.tile_files import Extent, archive, extent, tile
from data.tile_layers import TileSource
from tests.fixtures.tile_archives import mbtiles, pmtiles, png

RED, BLUE = png(200, 0, 0), png(0, 0, 200)
SOME = {(0, 0, 0): RED, (1, 0, 0): RED, (1, 1, 1): BLUE, (9, 420, 218): BLUE}
MAKERS = {"mbtiles": mbtiles, "pmtiles": pmtiles}


@pytest.mark.parametrize("form", MAKERS)
def test_a_tile_is_found_by_its_place_from_the_north(tmp_path, form):
    path = MAKERS[form](tmp_path / f"ground.{form}", SOME)
    for (z, x, y), body in SOME.items():
        assert tile(path, z, x, y) == (body, "image/png")
    assert tile(path, 1, 0, 1) is None
    assert (extent(path).low, extent(path).high) == (0, 9)


def test_many_tiles_lie_in_leaf_directories(tmp_path):
    many = {(8, x, y): RED + bytes(f"{x},{y}", "ascii") for x in range(160) for y in range(160)}
    path = pmtiles(tmp_path / "many.pmtiles", many)
    for at in ((8, 0, 0), (8, 77, 131), (8, 159, 159)):
        assert tile(path, *at) == (many[at], "image/png")
    assert tile(path, 8, 200, 200) is None


def test_bounds_are_told(tmp_path):
    path = mbtiles(tmp_path / "g.mbtiles", SOME, bounds="115.0,25.5,115.9,26.4")
    assert extent(path) == Extent(0, 9, (115.0, 25.5, 115.9, 26.4))


@pytest.mark.parametrize(("z", "x", "y"), [(-1, 0, 0), (23, 0, 0), (1, 2, 0), (1, 0, 2), (5, -1, 0)])
def test_places_outside_the_grid_are_not_found(tmp_path, z, x, y):
    with pytest.raises(NotFound, match="行列号"):
        tile(mbtiles(tmp_path / "g.mbtiles", SOME), z, x, y)


@pytest.mark.parametrize("form", MAKERS)
@pytest.mark.parametrize("body", [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"\x1a\x02pbf", b""])
def test_what_is_no_picture_does_not_leave(tmp_path, form, body):
    path = MAKERS[form](tmp_path / f"g.{form}", {(0, 0, 0): body or b"x"})
    with pytest.raises(WrongInput, match="PNG、JPEG 或 WebP"):
        tile(path, 0, 0, 0)


def test_a_tile_that_is_too_large_is_refused(tmp_path):
    path = mbtiles(tmp_path / "g.mbtiles", {(0, 0, 0): RED + bytes(2_000_001)})
    with pytest.raises(WrongInput, match="超过 2 MB"):
        tile(path, 0, 0, 0)


def test_vector_archives_are_refused_with_the_remedy(tmp_path):
    for path in (mbtiles(tmp_path / "v.mbtiles", SOME, format="pbf"),
                 pmtiles(tmp_path / "v.pmtiles", SOME, TileType.MVT)):
        with pytest.raises(WrongInput, match="先转成 PNG"):
            extent(path)


@pytest.mark.parametrize("form", MAKERS)
def test_damage_is_one_sentence(tmp_path, form):
    good = MAKERS[form](tmp_path / f"good.{form}", SOME).read_bytes()
    path = tmp_path / f"bad.{form}"
    for body in (b"", b"not an archive", good[:100], good[:130], bytes(len(good)), good[:90] + b"\xff" * 400):
        path.write_bytes(body)
        for ask in (lambda: extent(path), lambda: tile(path, 9, 420, 218)):
            with pytest.raises(WrongInput, match=r"瓦片文件 bad\.\w+ 不能用（.+）；请重新生成"):
                ask()


def test_a_file_that_has_gone_and_one_that_never_ends(tmp_path):
    path = tmp_path / "loop.mbtiles"
    with pytest.raises(NotFound, match="不见了"):
        tile(path, 0, 0, 0)
    file = sqlite3.connect(path)
    file.executescript("""CREATE VIEW tiles AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT abs(i) AS zoom_level, 0 AS tile_column, 0 AS tile_row, x'00' AS tile_data FROM n;""")
    file.close()
    with pytest.raises(Unavailable, match="interrupted"):
        tile(path, 0, 0, 0)


@pytest.mark.parametrize("name", ["../secret.mbtiles", "/etc/passwd", "link.mbtiles"])
def test_no_name_leads_out_of_the_pack(tmp_path, name):
    pack = tmp_path / "pack"
    pack.mkdir()
    (tmp_path / "secret.mbtiles").write_bytes(b"secret")
    (pack / "link.mbtiles").symlink_to(tmp_path / "secret.mbtiles")
    with pytest.raises(WrongInput, match="不在地方包里"):
        archive(pack, name)


@pytest.fixture
def served(tmp_path):
    mbtiles(tmp_path / "ground.mbtiles", SOME)
    sources = {"ground": TileSource(form="mbtiles", file="ground.mbtiles"),
               "away": TileSource(form="xyz", url="https://tiles.example.cn/{z}/{x}/{y}.png")}
    pack = SimpleNamespace(root=tmp_path, tile_sources=lambda: sources)
    app = Starlette(routes=[Mount("/api/v1", routes=[Route("/tiles/{tiles}/{z}/{x}/{y}", tiles.one)])],
                    exception_handlers={YipingError: faults.ours})
    app.state.web = SimpleNamespace(pack=pack, principal=lambda request: None)
    return Door(app), app.state.web


class Door:
    """Asks an application without a socket."""

    def __init__(self, app):
        self.app = app

    def get(self, path, headers=None):
        async def ask():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.get(path, headers=headers)
        return asyncio.run(ask())


def test_the_door_serves_pictures_that_browsers_keep(served):
    client, web = served
    url = tiles.template(web, "ground").format(z=1, x=1, y=1)
    found = client.get(url)
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, BLUE, "image/png")
    assert "content-encoding" not in found.headers
    assert found.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = client.get(url, headers={"If-None-Match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    # another version's address is answered, but not for ever
    assert client.get(url + "x").headers["cache-control"] == "private, no-cache"
    assert client.get("/api/v1/tiles/ground/1/0/1").content == tiles.CLEAR


@pytest.mark.parametrize("path", ["ground/1/2/0", "ground/99/0/0", "ground/1/x/0", "ground/1/-1/0", "ground/1/1e0/0",
                                  "away/1/0/0", "nothing/1/0/0", "..%2Fground/1/0/0", "ground/١/0/0",
                                  "ground/1/000000000001/0"])
def test_wrong_addresses_of_tiles_are_not_found(served, path):
    assert served[0].get(f"/api/v1/tiles/{path}").status_code == 404


def test_a_file_that_vanishes_while_running_is_told(served, tmp_path):
    client, _ = served
    assert client.get("/api/v1/tiles/ground/0/0/0").status_code == 200
    (tmp_path / "ground.mbtiles").unlink()
    told = client.get("/api/v1/tiles/ground/0/0/0")
    assert told.status_code == 404
    assert "没有瓦片文件" in told.json()["detail"]


def test_a_directory_that_unpacks_without_end_is_damage_found_once(tmp_path, monkeypatch):
    good = pmtiles(tmp_path / "good.pmtiles", SOME).read_bytes()
    bomb = gzip.compress(bytes(300_000_000), 9)
    path = tmp_path / "bomb.pmtiles"
    path.write_bytes(good[:8] + struct.pack("<QQ", 127, len(bomb)) + good[24:127] + bomb)
    reads = []
    monkeypatch.setattr("data.tile_files._piece", lambda *at, piece=tile_files._piece: reads.append(at) or piece(*at))
    began = tracemalloc.start() or tracemalloc.get_traced_memory()[0]
    for _ in range(3):
        with pytest.raises(WrongInput, match="解开后超过 1 MB"):
            tile(path, 0, 0, 0)
    grown = tracemalloc.get_traced_memory()[1] - began
    tracemalloc.stop()
    assert grown < 20_000_000
    assert [at[1:] for at in reads].count((127, len(bomb))) == 1


def test_a_tile_beyond_all_addresses_is_damage(tmp_path):
    good = pmtiles(tmp_path / "good.pmtiles", SOME).read_bytes()
    path = tmp_path / "far.pmtiles"
    path.write_bytes(good[:8] + struct.pack("<Q", 2**64 - 1) + good[16:])
    with pytest.raises(WrongInput, match=r"不能用"):
        tile(path, 0, 0, 0)


def test_a_value_that_is_far_too_large_is_not_even_read(tmp_path):
    path = tmp_path / "g.mbtiles"
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE VIEW tiles AS SELECT 0 AS zoom_level, 0 AS tile_column, 0 AS tile_row, "
                     "zeroblob(500000000) AS tile_data")
    with pytest.raises(WrongInput, match=r"超过 2 MB|too big"):
        tile(path, 0, 0, 0)
    stored = mbtiles(tmp_path / "h.mbtiles", {(0, 0, 0): RED + bytes(3_000_000)})
    tracemalloc.start()
    with pytest.raises(WrongInput, match="超过 2 MB"):
        tile(stored, 0, 0, 0)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000


def test_the_levels_of_an_archive_are_found_without_walking_through_it(tmp_path, monkeypatch):
    path = mbtiles(tmp_path / "g.mbtiles", {(8, x, y): b"x" for x in range(200) for y in range(200)})
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE UNIQUE INDEX at ON tiles (zoom_level, tile_column, tile_row)")
    monkeypatch.setattr("data.tile_files.PATIENCE_S", 0.0)
    assert extent(path) == Extent(8, 8, None)


def test_versions_of_archives_are_asked_once_each(served, monkeypatch):
    _, web = served
    asked = []
    monkeypatch.setattr(tiles, "version_of", lambda path: asked.append(path) or "1")
    web.pack.tiles = {"ground": None, "away": None}
    assert tiles.stamp(web, ",".join(["ground", "away", "nothing"] * 5000)) == ("1", "gone")
    assert len(asked) == 1
