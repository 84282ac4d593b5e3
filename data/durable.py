"""Small files that are replaced whole: a crash leaves the old one or the new one, never half of it."""

from __future__ import annotations

import os
from pathlib import Path

from data.manifest import sync_folder


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """A folder whose own name outlives a power cut, made if missing; what is synced in it would be lost without it.

    Raises:
        OSError: it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode, parents=True, exist_ok=True)
    # Also where it is there already: a crash may have come between its making and this.
    for path in missing or [folder]:
        sync_folder(path.parent)


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
