"""`doctor` where its own libraries are missing: with nothing but Python it names every one and says the remedy."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_LOCK = Path(__file__).resolve().parent.parent / "requirements.txt"
REMEDY = "请运行 rm -f .venv/.locked && ./script/server，会按锁定版本重装"


def report(stopped_by: str, lock: Path = _LOCK) -> str:
    """One line: the module that could not be loaded, and the locked libraries that are not installed."""
    absent = [name for name in _locked(lock) if not _installed(name)]
    more = f"；没有安装的库共 {len(absent)} 个：{'、'.join(absent[:8])}" if absent else ""
    return f"✗ Python 库  缺少 {stopped_by}{more}\n  → {REMEDY}\n"


def run(stopped_by: str) -> int:
    """Prints the report; 1."""
    sys.stdout.write(report(stopped_by))
    return 1


def rooms(missing: dict[str, str]) -> str:
    """One line for commands whose library is missing: commands → library."""
    return "".join(f"{commands} 不可用（缺少 Python 库 {name}）；请运行 ./yiping doctor\n"
                   for commands, name in missing.items())


def _locked(lock: Path) -> list[str]:
    """Names in a lock, without those for other Pythons or systems (lines with a marker)."""
    try:
        text = lock.read_text(encoding="utf-8")
    except OSError:
        return []
    return [name.split("[")[0] for name, rest in re.findall(r"^([\w.\[\]-]+)==([^\n]+)", text, re.MULTILINE)
            if ";" not in rest]


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
