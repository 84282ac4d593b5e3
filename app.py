"""Composition root and command line: joins the rooms' commands, makes the settings, and turns errors into words."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from data import doctor_bare
from data.command_line import Parser, set_log
from data.errors import EXIT_CODE, YipingError

# Module with a `commands(add)` → the commands it adds. Only the room of the wanted command is imported, so that a part
# is back quickly after a crash and `doctor` works when another room's library is missing; a test holds the table true.
ROOMS = {
    "data.supervise": ("serve",),
    "api.web_commands": ("web",),
    "data.collect_commands": ("collect",),
    "data.feed_commands": ("feed",),
    "demo.simulate": ("simulate",),
    "data.place_commands": ("place", "check"),
    "data.import_commands": ("import",), "data.history_commands": ("history",),
    "data.quarantine_commands": ("quarantine",),
    "briefing.capture_commands": ("capture", "pictures"),
    "data.doctor": ("doctor",),
}
PRELOADED = {"web": ("callbacks.dash_app",)}
_OPTIONS_WITH_VALUE = ("--place",)
INTERRUPTED = 130


def wanted(arguments: list[str]) -> str:
    """The command among the arguments, '' if none."""
    rest = iter(arguments)
    for argument in rest:
        if argument in _OPTIONS_WITH_VALUE:
            next(rest, None)
        elif not argument.startswith("-"):
            return argument
    return ""


def build_parser(command: str = "") -> tuple[argparse.ArgumentParser, dict[str, str]]:
    """The parser with the room of `command` (all rooms when no room has it); rooms left out → the missing library."""
    parser = Parser(prog="yiping", description="一屏统览：县域指挥大屏的命令行")
    parser.add_argument("--place", type=Path, help="地区包目录，相对路径从当前目录算起（默认本程序的 places/yudu）")
    parser.add_argument("--debug", action="store_true", help="出错时显示完整的调用栈")
    parser.add_argument("--standby", action="store_true", help=argparse.SUPPRESS)
    add = parser.add_subparsers(dest="command", metavar="命令", required=True)
    rooms = [room for room, names in ROOMS.items() if command in names] or list(ROOMS)
    missing = {}
    for room in rooms:
        try:
            import_module(room).commands(add)
        except ModuleNotFoundError as error:
            missing[room] = str(error.name)
    return parser, missing


def execute(arguments: list[str]) -> int:
    """Runs one command and gives its exit code."""
    command = wanted(arguments)
    parser, missing = build_parser(command)
    if missing and command == "doctor":
        return doctor_bare.run(*missing.values())
    if missing:
        sys.stderr.write(doctor_bare.rooms({"、".join(ROOMS[room]): name for room, name in missing.items()}))
        if any(command in ROOMS[room] for room in ROOMS):
            return 1
    args = parser.parse_args(arguments)
    if args.standby and not told_to_go(command):
        return 0
    from data.settings import Settings, load_settings

    named = {name: getattr(args, name) for name in Settings.model_fields if hasattr(args, name)}
    args.dash = dash_app
    set_log(args)
    return int(args.run(load_settings(**named), args))


def told_to_go(command: str) -> bool:
    """For a spare (data.spare): loads what the command will need and waits; False when its supervisor is gone."""
    for module in PRELOADED.get(command, ()):
        import_module(module)
    return bool(sys.stdin.readline())


def dash_app(**services: Any) -> Any:
    """The Dash app over the web's services: here, because neither of the two rooms may know the other."""
    from callbacks.dash_app import make_dash
    from callbacks.services import Services

    return make_dash(Services(**services))


def main(arguments: list[str]) -> int:
    """Exit codes: 0 done, 1 failed while working, 2 wrong input, 130 interrupted; errors are one plain line."""
    try:
        return execute(arguments)
    except YipingError as error:
        if "--debug" in arguments:
            sys.excepthook(type(error), error, error.__traceback__)
        sys.stderr.write(f"{error}\n")
        return next((code for kind, code in EXIT_CODE.items() if isinstance(error, kind)), 1)
    except KeyboardInterrupt:
        return INTERRUPTED


def _one_line(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """For faults of the program itself: their line, and how to see more."""
    sys.stderr.write(f"程序内部错误 {kind.__name__}：{error}；加 --debug 可看到调用栈\n")


if __name__ == "__main__":
    if "--debug" not in sys.argv:
        sys.excepthook = _one_line
    sys.exit(main(sys.argv[1:]))
