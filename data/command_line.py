"""The command line's parser, whose refusals are one Chinese sentence."""

from __future__ import annotations

import argparse
import logging
import re
from typing import NoReturn

# What argparse says → what the user reads; the groups are the option and the value or the choices.
_SAID = (
    (r"argument (.+?): invalid choice: (.+?) \(choose from (.+)\)", "{0} 的值 {1} 不在可选之列；可选：{2}"),
    (r"argument (.+?): invalid (?:int|float) value: (.+)", "{0} 的值 {1} 应为数字"),
    (r"argument (.+?): invalid \w+ value: (.+)", "{0} 的值 {1} 不合要求"),
    (r"argument (.+?): expected .*argument.*", "{0} 后面缺少值"),
    (r"argument (.+?): not allowed with argument (.+)", "{0} 与 {1} 不能同时使用"),
    (r"argument (.+?): ignored explicit argument (.+)", "{0} 后面不应有值 {1}"),
    (r"the following arguments are required: (.+)", "缺少 {0}"),
    (r"one of the arguments (.+) is required", "{0} 至少要有一个"),
    (r"unrecognized arguments: (.+)", "不认识的参数 {0}"),
    (r"ambiguous option: (\S+) could match (.+)", "{0} 不明确，可能是 {1}"),
)


class Parser(argparse.ArgumentParser):
    """Names what is wrong, where, and how to see what is right; ends with code 2."""

    def error(self, message: str) -> NoReturn:
        """Writes the sentence and ends the program."""
        self.exit(2, f"{in_words(message)}；用法见 ./{self.prog} --help\n")


def set_log(args: argparse.Namespace) -> None:
    """Sets what the log of a command shows: of a `quiet` one, whose own lines say what there is to say, errors only."""
    if getattr(args, "quiet", False):
        logging.getLogger("yiping").setLevel(logging.ERROR)


def in_words(message: str) -> str:
    """An argparse message in Chinese; one that is not known stands in a Chinese frame."""
    for pattern, words in _SAID:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return words.format(*found.groups())
    return f"命令行有误（{message}）"
