"""What the page's own scripts make of figures, in node: words and classes as the server's, of its own parts."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from layouts import words

ASSETS = Path(__file__).parents[2] / "assets"


def run(script: str, given: Any, *files: str) -> Any:
    """What a script prints as JSON, after the page's own files; `given` is its input."""
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("node is missing")
        pytest.skip("node is missing")
    source = "\n".join(["global.window = global;", *((ASSETS / name).read_text() for name in files),
                        f"const given = {json.dumps(given)};", "const tell = (v) => console.log(JSON.stringify(v));",
                        script])
    return json.loads(subprocess.run([node, "-"], input=source, capture_output=True, text=True, check=True,
                                     timeout=60).stdout)


def test_a_figure_reads_as_the_server_writes_it() -> None:
    chance = random.Random(5)
    given = [(2.25, 1), (2.35, 1), (0.5, 0), (1.5, 0), (2.5, 0), (-2.5, 0), (2.675, 2), (-0.04, 1), (0.125, 2),
             (1e9 + 5e5, 0), (9.97, 1), (1234567.5, 0)]
    given += [(chance.randrange(-10**6, 10**6) / chance.choice([8, 16, 100, 1000, 7]), chance.randrange(4))
              for _ in range(3000)]
    told = run("tell(given.map(([v, decimals]) => yiping.values.words(v, {decimals})))", given, "map_values.js")
    assert told == [words.number(value, decimals) for value, decimals in given]


def test_a_class_holds_what_reads_as_being_in_it() -> None:
    told = {"breaks": [7, 10], "decimals": 1, "unit": ""}
    found = run("tell(yiping.values.shaded({a: 9.97, b: 9.94, c: 6.96}, given))", told, "map_values.js")
    assert found == {"a": [2, "10.0"], "b": [1, "9.9"], "c": [1, "7.0"]}


PARTS = """
const cell = (code, parent, above) => ({code, parent, above, box: [0, 0, 1, 1]});
const asked = [];
yiping.geo = {planeX: (v) => v, planeY: (v) => v, load: async () => ({cells: [
  cell('t1', 'county', ['county']), cell('t2', 'county', ['county']), cell('x', 'other', ['other'])]})};
yiping.values.load = async ({url}) => {
  asked.push(url);
  if (given.refused.includes(url)) throw new Error('403');
  return {[url + 'v']: [0, '1']};
};
const edge = {getWest: () => 0, getEast: () => 1, getNorth: () => 0, getSouth: () => 1};
yiping.parts.values({url: '/CODE', within: given.within}, {cover: 'c', part: 'p'}, () => [-1e9, -1e9, 1e9, 1e9])
  .then((found) => tell([asked, Object.keys(found)]), (error) => tell([asked, String(error.message)]));
"""


@pytest.mark.parametrize(("within", "refused", "told"), [
    (["county", "root"], [], [["/t1", "/t2"], ["/t1v", "/t2v"]]),
    (["t2", "county", "root"], [], [["/t2"], ["/t2v"]]),
    (["v9", "t2", "county", "root"], [], [["/v9"], ["/v9v"]]),
    (["county", "root"], ["/t1"], [["/t1", "/t2"], ["/t2v"]]),
    (["county", "root"], ["/t1", "/t2"], [["/t1", "/t2"], "403"])])
def test_only_parts_of_the_division_in_view_are_read(within: list[str], refused: list[str], told: list[Any]) -> None:
    found = run(PARTS, {"within": within, "refused": refused}, "map_values.js", "map_parts.js")
    assert found == told
