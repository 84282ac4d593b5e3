"""The command `history retain`: what has had its time goes, or is only named."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from access.principal import KEEP, duty_principal
from data.bulk_door import collector_of, told
from data.collect import Collector
from data.gate import act
from data.keeping import refuse_other_store, who
from data.pack import load_pack
from data.settings import Settings


def commands(actions: Any) -> None:
    """Adds `retain` to the actions of `history`."""
    retain = actions.add_parser("retain", help="按 feeds.yaml 的保存期清理（采集器每天也做一次）")
    retain.add_argument("--dry-run", action="store_true", help="只列出会清理什么，不动手")
    retain.set_defaults(run=run_retain, quiet=True)


def run_retain(settings: Settings, args: argparse.Namespace) -> int:
    """A line a feed and month on stdout, and the sum.

    Raises:
        Unavailable: the collector cannot be reached, or the history refuses.
    """
    refuse_other_store(settings, "按保存期清理")
    pack = load_pack(settings.place_dir)
    act(pack, duty_principal(pack.divisions.root.code), KEEP, pack.divisions.root.code)
    with collector_of(settings, pack) as door:
        if isinstance(door, Collector):
            going = door.retain(who(), args.dry_run)
        else:
            going = told(door, "/retain", {"who": who(), "dry": args.dry_run})["going"]
    for one in going:
        sys.stdout.write(f"{one['feed']}\t{one['partition']}\t{one['rows']} 行\t保存 {one['keep']}\n")
    said = "会清理" if args.dry_run else "已清理"
    sys.stdout.write(f"{said} {sum(one['rows'] for one in going)} 行\n")
    return 0
