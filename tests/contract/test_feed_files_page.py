"""docs/feed-files.md: every block of YAML loads, and the sample below it is understood without a remainder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from data.clock import Clock
from data.pack import Feed
from data.records import parse
from data.sources.files import FORMATS, read_columns, read_file

PAGE = Path(__file__).parents[2] / "docs" / "feed-files.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```(?:\n```csv ?(\S*)\n(.*?)```)?", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize(("block", "name", "sample"), BLOCKS, ids=[block.split(":")[0] for block, _, _ in BLOCKS])
def test_a_recipe_reads_its_sample(tmp_path: Path, block: str, name: str, sample: str) -> None:
    (feed,) = TypeAdapter(dict[str, Feed]).validate_python(yaml.safe_load(block)).values()
    if not sample:
        assert feed.source.format == "cap"
        return
    path = tmp_path / (name or "a.csv")
    path.write_text(sample, encoding="utf-8")
    chunks = list(read_file(path, feed, Clock()))
    rows = [parse(feed.kind, row) for chunk in chunks for row in chunk.rows]
    assert len(rows) >= 2
    assert [item for chunk in chunks for item in chunk.rejected] == []
    assert sum(chunk.table.num_rows for chunk in read_columns(path, feed, Clock())) == len(rows)


def test_the_page_names_every_format() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## ")[0]
    assert all(f"`{known.name}`" in table and all(f"`{suffix}`" in table for suffix in known.suffixes[:1])
               for known in FORMATS)
