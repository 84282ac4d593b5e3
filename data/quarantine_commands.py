"""The commands `quarantine list | show | correct | replay | dismiss`: refused records on the command line."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from access.principal import CORRECT, duty_principal
from data.bodies import key_twice
from data.bulk_door import collector_of, told
from data.clock import from_us
from data.collect import QUARANTINE, Collector
from data.errors import NotFound, WrongInput
from data.gate import act
from data.pack import Pack, load_pack
from data.quarantine_view import Chosen, QuarantineView
from data.settings import Settings

SHOWN = 200
STATES = {"waiting": "待处理", "replayed": "已送回", "dismissed": "已作废"}


def commands(add: Any) -> None:
    """Adds `quarantine`."""
    parser = add.add_parser("quarantine", help="隔离区：查看、更正、送回、作废没有收下的记录")
    actions = parser.add_subparsers(dest="action", metavar="动作", required=True)
    listing = actions.add_parser("list", help="按数据源与原因分组列出；给出 --feed 与 --kind 时逐条列出")
    show = actions.add_parser("show", help="显示一条记录的原文与经过")
    correct = actions.add_parser("correct", help="更正一条记录并送回")
    replay = actions.add_parser("replay", help="按原样送回（例如站点后来登记了）")
    dismiss = actions.add_parser("dismiss", help="作废：不再送回，原文保留")
    show.add_argument("ids", metavar="编号", nargs=1, type=int)
    correct.add_argument("ids", metavar="编号", nargs=1, type=int)
    correct.add_argument("--set", metavar="字段=值", action="append", default=[], help="改一个字段，可重复")
    correct.add_argument("--raw", metavar="JSON", help="整条换成这段 JSON")
    for command in (replay, dismiss):
        command.add_argument("ids", metavar="编号", nargs="*", type=int)
    for command in (listing, replay, dismiss):
        command.add_argument("--feed", default="", help="数据源")
        command.add_argument("--kind", default="", help="原因（list 所列的写法）")
        command.add_argument("--station", default="", help="站点编号")
    for command, run in ((listing, run_list), (show, run_show), (correct, run_deed), (replay, run_deed),
                         (dismiss, run_deed)):
        command.set_defaults(run=run, quiet=True)


def run_list(settings: Settings, args: argparse.Namespace) -> int:
    """Groups of equal refusals, or the newest rows of one group."""
    pack, view = load_pack(settings.place_dir), QuarantineView(settings.state_dir / QUARANTINE)
    _known(pack, args.feed)
    if args.kind or args.station:
        for row in view.rows(Chosen((), args.feed, args.kind, args.station), SHOWN):
            sys.stdout.write(f"{row['id']}\t{_time(pack, row['last'])}\t{row['times']} 次\t{row['reason']}\t"
                             f"{row['raw'][:SHOWN]}\n")
        return 0
    groups = view.groups(args.feed)
    for group in groups:
        unkept = f"，其中 {group['unkept']} 条超限未留原文" if group["unkept"] else ""
        sample = f"，例 {group['sample']} 号" if group["sample"] else ""
        sys.stdout.write(f"{group['feed']}\t{group['kind']}\t共 {group['count']} 条，待处理 {group['waiting']} 条"
                         f"{unkept}\t{_time(pack, group['first'])} 至 {_time(pack, group['last'])}{sample}\n")
    if not groups:
        sys.stdout.write("隔离区是空的\n")
    return 0


def run_show(settings: Settings, args: argparse.Namespace) -> int:
    """One row: where it came from, why it was refused, its text, and what became of it."""
    pack = load_pack(settings.place_dir)
    row = QuarantineView(settings.state_dir / QUARANTINE).row(args.ids[0])
    lines = [f"编号　　{row['id']}（{STATES[row['state']]}）", f"数据源　{row['feed']}", f"原因　　{row['reason']}",
             f"时间　　{_time(pack, row['first'])}，最近 {_time(pack, row['last'])}，共 {row['times']} 次",
             f"原文　　{row['raw']}" + ("" if row["whole"] else "（超过 1 MB，只留开头）")]
    if row["sent"]:
        lines.append(f"更正后　{row['sent']}")
    if row["settled"]:
        lines.append(f"处理　　{row['who']}，{_time(pack, row['settled'])}"
                     + (f"，入库序号 {row['seq']}" if row["seq"] else ""))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def run_deed(settings: Settings, args: argparse.Namespace) -> int:
    """Corrects, replays or dismisses; 1 when rows go on waiting.

    Raises:
        WrongInput: nothing to do, or a correction that cannot be understood. NotFound: no such row or feed.
        Unavailable: the collector cannot be reached.
    """
    pack = load_pack(settings.place_dir)
    # Whoever may open the collector's socket (0600) is this machine's duty officer.
    act(pack, duty_principal(pack.divisions.root.code), CORRECT, pack.divisions.root.code)
    who = f"命令行 {getpass.getuser()}"
    chosen = Chosen(tuple(args.ids), *(getattr(args, name, "") for name in ("feed", "kind", "station")))
    _known(pack, chosen.feed)
    if not chosen.ids and not chosen.feed:
        raise WrongInput("没有说明是哪些记录；请给出编号，或 --feed（可再加 --kind、--station）")
    raw = _corrected(settings, args) if args.action == "correct" else ""
    with collector_of(settings, pack) as door:
        done = _do(door, args.action, chosen, raw, who)
    sys.stdout.write(f"送回 {done['replayed']} 条，作废 {done['dismissed']} 条，仍待处理 {done['waiting']} 条"
                     + (f"（{done['reason']}）" if done["reason"] else "") + "\n")
    return 1 if done["waiting"] else 0


def _do(door: Any, deed: str, chosen: Chosen, raw: str, who: str) -> dict[str, Any]:
    if not isinstance(door, Collector):
        return told(door, "/quarantine", {"deed": deed, "who": who, "raw": raw, "ids": chosen.ids, "feed": chosen.feed,
                                          "kind": chosen.kind, "station": chosen.station})
    work = door.replaying
    if deed == "correct":
        return work.correct(chosen.ids[0], raw, who).as_json()
    return (work.replay if deed == "replay" else work.dismiss)(chosen, who).as_json()


def _corrected(settings: Settings, args: argparse.Namespace) -> str:
    if args.raw is not None:
        return str(args.raw)
    if not args.set:
        raise WrongInput("没有说明改什么；请用 --set 字段=值（可重复）或 --raw JSON")
    row = QuarantineView(settings.state_dir / QUARANTINE).row(args.ids[0])
    try:
        found = orjson.loads(row["raw"])
    except orjson.JSONDecodeError as error:
        raise WrongInput("原文不是完整的 JSON，不能逐字段改；请用 --raw 给出整条 JSON") from error
    if not isinstance(found, dict):
        raise WrongInput("原文不是一条 JSON 记录，不能逐字段改；请用 --raw 给出整条 JSON")
    if why := key_twice(row["raw"].encode("utf-8", "replace"), found):
        raise WrongInput(f"{why.partition('；')[0]}，不能逐字段改；请用 --raw 给出整条 JSON")
    for part in args.set:
        name, sign, text = part.partition("=")
        if not sign:
            raise WrongInput(f"--set {part!r:.40} 应写成 字段=值")
        found[name] = typed(text, found.get(name))
    return orjson.dumps(found).decode()


def typed(text: str, before: Any) -> Any:
    """A typed-in value: text stays text where text stood, else what JSON reads in it, else text."""
    if isinstance(before, str):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _known(pack: Pack, feed: str) -> None:
    if feed and feed not in pack.feeds:
        raise NotFound(f"没有数据源 {feed:.60}；可用的有 {'、'.join(sorted(pack.feeds))}")


def _time(pack: Pack, micros: int) -> str:
    return from_us(micros).astimezone(ZoneInfo(pack.place.timezone)).strftime("%Y-%m-%d %H:%M:%S")
