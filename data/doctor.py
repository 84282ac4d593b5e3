"""`doctor`: what is installed, reachable, late, unsafe or missing, with the remedy for each."""

from __future__ import annotations

import argparse
import sys
import unicodedata
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from data import doctor_machine as machine
from data import doctor_place as place
from data.doctor_machine import Finding
from data.settings import Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

CHECKS: tuple[Callable[[Settings], Iterable[Finding]], ...] = (
    machine.python, machine.packages, machine.redis_server, machine.chromium, machine.chinese_font, machine.memory,
    machine.port, place.state_folder, place.pack, place.history, place.outside_redis, place.running_parts, place.feeds,
    place.owed, place.backup,
)
_MARKS = {"ok": "✓", "warn": "!", "bad": "✗"}


def commands(add: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `doctor`."""
    parser = add.add_parser("doctor", help="检查：装了什么、缺什么、哪里不安全或迟滞，以及各自的办法")
    parser.set_defaults(run=doctor)


def doctor(settings: Settings, _args: argparse.Namespace) -> int:
    """Prints one line a finding; 0 when all that is needed is fine, else 1."""
    findings = [finding for check in CHECKS for finding in check(settings)]
    sys.stdout.write(report(findings))
    return 1 if any(finding.mark == "bad" for finding in findings) else 0


def report(findings: list[Finding]) -> str:
    """The findings as a table, each remedy below its line."""
    width = max((_columns(finding.what) for finding in findings), default=0)
    lines = []
    for finding in findings:
        gap = " " * (width - _columns(finding.what) + 2)
        lines.append(f"{_MARKS[finding.mark]} {finding.what}{gap}{finding.found}")
        if finding.remedy:
            lines.append(" " * (width + 4) + f"→ {finding.remedy}")
    bad = sum(finding.mark == "bad" for finding in findings)
    warned = sum(finding.mark == "warn" for finding in findings)
    lines.append(f"合计 {len(findings)} 项：{bad} 项必须解决，{warned} 项应当留意")
    return "\n".join(lines) + "\n"


def _columns(text: str) -> int:
    """Width on a terminal, where a Chinese character takes two columns."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
