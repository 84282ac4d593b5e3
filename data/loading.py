"""How far the loading of older history has come, as its importer says in a small file."""

from __future__ import annotations

from pathlib import Path

import orjson

PROGRESS = "history_progress.json"


def loading(folder: Path) -> str:
    """Words for the head while history is being loaded, '' when none is or all is in."""
    try:
        said = orjson.loads((folder / PROGRESS).read_bytes())
        done, total = int(said["done"]), int(said["total"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return f"历史装入 {min(99, 100 * done // total)}%" if 0 <= done < total else ""
