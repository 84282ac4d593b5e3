"""A place pack with pulled feeds of a test's own, its allow-list, and collectors that run over it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from own_redis import ROOT, TINY_PACK

BLOCK = """{name}:
  name: {name}
  topic: M1
  department: test
  kind: observation
  cadence: 5s
  source: {source}
  map: {mapping}
"""


def pack_with(folder: Path, feeds: dict[str, tuple[str, str]], *allowed: str) -> dict[str, str]:
    """Copies the tiny pack, adds feeds (name → source, mapping as YAML); the environment that runs it."""
    shutil.copytree(TINY_PACK, folder / "pack")
    said = "".join(BLOCK.format(name=name, source=source, mapping=mapping)
                   for name, (source, mapping) in feeds.items())
    with (folder / "pack" / "feeds.yaml").open("a", encoding="utf-8") as file:
        file.write(said)
    listed = folder / "pull.allow"
    listed.write_text("\n".join(allowed) + "\n")
    listed.chmod(0o600)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("YIPING_")}
    return kept | {"YIPING_PLACE": str(folder / "pack"), "YIPING_PULL_ALLOW": str(listed)}


def collect(environment: dict[str, str], state: Path, redis_url: str, log: Path) -> subprocess.Popen[bytes]:
    """A collector process; its log goes to a file."""
    with log.open("ab") as out:
        return subprocess.Popen([sys.executable, str(ROOT / "app.py"), "collect"], stderr=out, stdout=out,
                                env=environment | {"YIPING_STATE": str(state), "YIPING_REDIS_URL": redis_url})


def rows_of(state: Path, kind: str = "observation") -> list[dict[str, Any]]:
    """Every accepted row of a state folder: from the spool, which keeps what is younger than ten minutes."""
    from data.spool import decode

    found: list[dict[str, Any]] = []
    for path in sorted((state / "spool").glob("*.jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            batch = decode(line)
            if batch is not None and batch.kind == kind:
                found += batch.rows
    return found
