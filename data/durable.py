"""Small files that are replaced whole: a crash leaves the old one or the new one, never half of it."""

from __future__ import annotations

import os
from pathlib import Path

from data.manifest import sync_folder


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file of mode 0600 and waits until it is on disk under its name. Raises OSError."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)
