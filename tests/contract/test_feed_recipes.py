"""docs/feeds.md: every recipe is a feed that loads, and its sample is understood by it without a rejection."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
import yaml

from data.acceptance import Lane
from data.clock import Clock
from data.identity import IdentityIndex
from data.mapping import RowMapper
from data.pack import Feed, FeedSource, Pack, load_pack
from data.pull_rules import Paging
from data.pulling import KINDS
from data.registry import Registry
from geo.locate import Locator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^```yaml\n(.*?)^```\n```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
NAMES = [block.partition(":")[0] for block, _ in RECIPES]


class Nothing:
    """A history without records."""

    def identities(self, *_: Any) -> list[tuple[bytes, bytes, int]]:
        return []


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The tiny place with every recipe of the page among its feeds."""
    folder = tmp_path_factory.mktemp("recipes") / "pack"
    shutil.copytree(ROOT / "tests" / "fixtures" / "tiny_pack", folder)
    with (folder / "feeds.yaml").open("a", encoding="utf-8") as file:
        file.write("".join(block for block, _ in RECIPES))
    return load_pack(folder)


def test_there_is_a_recipe_for_every_kind(pack: Pack) -> None:
    kinds = set(get_args(FeedSource.model_fields["kind"].annotation))
    assert {pack.feeds[name].source.kind for name in NAMES} == kinds - {"own"}
    assert kinds == {*KINDS, "push", "own"}
    assert len(RECIPES) == PAGE.count("```yaml")


@pytest.mark.parametrize(("name", "sample"), list(zip(NAMES, [sample for _, sample in RECIPES], strict=True)))
def test_a_recipes_sample_is_understood(pack: Pack, name: str, sample: str) -> None:
    feed: Feed = pack.feeds[name]
    mapped = RowMapper(feed, Clock()).apply(orjson.loads(sample))
    assert mapped.rejected == []
    assert mapped.rows
    registry = Registry(pack.divisions, Locator(pack.divisions))
    registry.add({"feed": "stations", "id": row["station"], "layer": feed.stations, "lon": None, "lat": None,
                  "code": ""} for row in mapped.rows if feed.stations)
    lane = Lane(name, feed, pack, registry, IdentityIndex(Nothing()))
    prepared = lane.prepare(mapped.rows, 1, Clock().now_us())
    # The sample's place is not in the tiny county: that alone may be said of it.
    assert [reason for _, reason in prepared.rejected if "辖区之外" not in reason] == []


def test_the_page_names_every_way_of_paging_and_every_setting() -> None:
    for way in get_args(Paging.model_fields["by"].annotation):
        assert f"| `{way}` |" in PAGE
    used = yaml.safe_dump([yaml.safe_load(block) for block, _ in RECIPES], allow_unicode=True)
    for setting in ("url", "query", "token_env", "token_header", "token_prefix", "rows", "paging", "timeout", "url_env",
                    "table", "columns", "watermark", "overlap", "host", "port", "tls", "ca", "topics", "status",
                    "user_env", "password_env", "session"):
        assert f"{setting}:" in used, setting
