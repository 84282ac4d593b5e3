"""What a view is compared with, as the address says it: another instant, window or metric, or other divisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data.errors import WrongInput

KINDS = ("at", "window", "span", "metric", "divisions")
SIDE, SLIDER, DIFFERENCE = "side", "slider", "difference"
LOOKS = (SIDE, SLIDER, DIFFERENCE)
MOST_DIVISIONS = 4
# words for instants and windows that follow the clock, as the view's own window does
EARLIER = ("yesterday", "last_week", "last_month", "last_year")
BEFORE = ("previous", *EARLIER)


@dataclass(frozen=True)
class Asked:
    """One comparison: `kind` of KINDS and its words (an instant, a window, FROM and TO, a metric, codes)."""

    kind: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The same as it stands in the address."""
        between = {"span": "~", "divisions": ","}.get(self.kind, "")
        return f"{self.kind}:{between.join(self.words)}"


def asked(text: str) -> Asked | None:
    """The comparison of an address; None where nothing is compared.

    Raises:
        WrongInput: not one of the forms.
    """
    if not text:
        return None
    kind, _, rest = text.partition(":")
    if kind not in KINDS or (not rest and kind != "divisions"):
        raise WrongInput(f"对比条件 {text!r:.40} 不认识；请在对比工具中重新选择")
    if kind == "span":
        start, mark, end = rest.partition("~")
        if not (start and mark and end):
            raise WrongInput(f"对比时段 {rest!r:.40} 应为 起~止，如 2026-11-01~2026-11-08；请改正")
        return Asked(kind, (start, end))
    if kind == "divisions":
        return Asked(kind, _codes(rest))
    return Asked(kind, (rest,))


def _codes(text: str) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(filter(None, (code.strip() for code in text.split(",")))))
    if len(codes) > MOST_DIVISIONS:
        over = len(codes) - MOST_DIVISIONS
        raise WrongInput(f"最多同时对比 {MOST_DIVISIONS} 个区划，现有 {len(codes)} 个；请移除 {over} 个")
    return codes


def codes_of(text: str) -> tuple[str, ...]:
    """The divisions that an address compares, () where it compares something else."""
    kind, _, rest = text.partition(":")
    return tuple(dict.fromkeys(filter(None, rest.split(",")))) if kind == "divisions" else ()


def of_divisions(codes: Sequence[str]) -> str:
    """The address's text for divisions against each other."""
    return Asked("divisions", tuple(codes)).text


def with_division(text: str, code: str) -> str:
    """The address's text with one more division; the same where it is there, or four are."""
    codes = codes_of(text)
    return text if code in codes or len(codes) >= MOST_DIVISIONS else of_divisions([*codes, code])


def without_division(text: str, code: str) -> str:
    """The address's text without a division."""
    return of_divisions([one for one in codes_of(text) if one != code])


def look_of(split: str) -> str:
    """How two sides are shown: side by side unless the address says otherwise."""
    return split if split in LOOKS else SIDE
