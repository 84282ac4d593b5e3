"""The page that figures are divided by is plain Dash: none of our scripts or styles is on it."""

from __future__ import annotations

import re

from bench.reference.app import make


def test_the_reference_page_loads_nothing_of_ours() -> None:
    page = make().server.test_client().get("/").text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) >= 5
    assert [path for path in loaded if "/assets/" in path] == []
