"""Cells are made ahead under the very keys that are asked for later: whole levels, and the parts of very large ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from api import layers, mapcells
from data.pack import load_pack

PACK = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack")


@pytest.mark.parametrize("most", [5_000, 1])
def test_each_level_and_each_part_is_made_once(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[tuple[str, ...], Any] = {}

    def keep(key: tuple[str, ...], make: Any) -> Any:
        assert key not in made
        made[key] = make()
        return made[key]

    monkeypatch.setattr(layers, "REST_S", 0)
    monkeypatch.setattr(mapcells, "MOST_CELLS", most)
    web: Any = SimpleNamespace(pack=PACK, geometry_version="g1", shelf=SimpleNamespace(get_or_make=keep))
    layers.make_ahead(web)
    tree = PACK.divisions
    for number, level in enumerate(tree.level_names):
        mine = {key[3]: orjson.loads(packed.body) for key, packed in made.items() if key[1] == f"divisions-{level}"}
        told = mapcells.cells_of(web, level)
        assert (set(mine) == {""}) == isinstance(told, str)
        codes = [row["properties"]["code"] for found in mine.values() for row in found["features"]]
        assert sorted(codes) == sorted(tree.items[int(at)].code for at in tree.at_level(number))
    assert all(key[2] == "g1" for key in made)
