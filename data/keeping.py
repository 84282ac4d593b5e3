"""What the keeping commands share: who may do them, where they are noted, their bars, and the program's version."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from access.principal import duty_principal
from data.audit import AuditFile
from data.errors import Unavailable
from data.gate import act
from data.history import files_of
from data.pack import Pack
from data.settings import Settings

AUDIT = "keeping.jsonl"


def who() -> str:
    """The user of this machine who gave the command."""
    return f"命令行 {getpass.getuser()}"


def audit_of(settings: Settings, state: Path | None = None) -> AuditFile:
    """The audit of keeping, in the state folder."""
    return AuditFile((state or settings.state_dir) / "audit" / AUDIT, settings.clock())


@contextmanager
def noted(settings: Settings, pack: Pack, capability: str, deed: str, **facts: Any) -> Iterator[dict[str, Any]]:
    """A deed that needs a capability: decided, noted before, and noted again with what the body puts into the dict.

    Raises:
        NotAllowed: the principal may not. Unavailable: the audit cannot be written; the deed does not happen then.
    """
    # Whoever may read and write the state folder (0700) is this machine's duty officer.
    act(pack, duty_principal(pack.divisions.root.code), capability, pack.divisions.root.code)
    audit, person = audit_of(settings), who()
    audit.note(person, deed, **facts)
    found: dict[str, Any] = {}
    try:
        yield found
    except BaseException as error:
        audit.note(person, f"{deed} 未完成", **facts, error=str(error)[:200] or type(error).__name__)
        raise
    audit.note(person, f"{deed} 完成", **facts, **found)


@contextmanager
def bar(what: str, total: int, unit: str = "bytes") -> Iterator[Any]:
    """A progress bar on a terminal; yields what is called with how much more is done."""
    console = Console(file=sys.stderr)
    count = DownloadColumn() if unit == "bytes" else TextColumn("{task.completed:.0f}/{task.total:.0f}" + unit)
    with Progress(TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn(), console=console,
                  disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda more: progress.advance(task, more)


def refuse_other_store(settings: Settings, deed: str) -> None:
    """Raises Unavailable where the history does not lie in the state folder."""
    if files_of(settings) is None:
        where = f"历史在 YIPING_HISTORY_URL 所指的数据库里，{deed}只用于状态目录中的历史"
        raise Unavailable(f"{where}；请用该数据库自己的工具（如 pg_dump）")
