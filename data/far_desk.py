"""The ledger and the quarantine of a collector on another machine, for the page of the feeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data.errors import Unavailable, WrongInput
from data.ledger import LedgerView, Spell
from data.quarantine_view import QuarantineView

Ask = Callable[..., Any]


class FarQuarantine(QuarantineView):
    """As QuarantineView, by the collector's door. Raises Unavailable when it does not answer."""

    def __init__(self, ask: Ask) -> None:
        super().__init__(Path())
        self._ask = ask
        self._version = (0, 0)

    def groups(self, feed: str = "") -> list[dict[str, Any]]:
        """As there."""
        found: list[dict[str, Any]] = self._ask("groups", feed=feed)
        return found

    def row(self, item: int) -> dict[str, Any]:
        """As there. Raises NotFound."""
        found: dict[str, Any] = self._ask("row", item=item)
        return found

    def stations(self, feed: str, most: int = 500) -> dict[str, int]:
        """As there."""
        found: dict[str, int] = self._ask("stations", feed=feed, most=most)
        return found

    def version(self) -> tuple[int, int]:
        """As there; while the collector is away nothing changes."""
        try:
            told = self._ask("version")
        except Unavailable:
            return self._version
        self._version = (int(told[0]), int(told[1]))
        return self._version


class FarLedger(LedgerView):
    """As LedgerView, by the collector's door. Raises Unavailable when it does not answer."""

    def __init__(self, ask: Ask) -> None:
        super().__init__(Path())
        self._ask = ask

    def hours(self, since: int) -> dict[str, dict[int, tuple[int, ...]]]:
        """As there."""
        return {feed: {int(hour): tuple(counts) for hour, counts in hours.items()}
                for feed, hours in self._ask("hours", since=since).items()}

    def spells(self, since: int) -> list[Spell]:
        """As there."""
        return [Spell(**fields) for fields in self._ask("spells", since=since)]

    def drifts(self, since: int) -> dict[str, tuple[int, str]]:
        """As there."""
        return {feed: (int(at), str(told)) for feed, (at, told) in self._ask("drifts", since=since).items()}


def views(folder: Path, ask: Ask | None) -> tuple[LedgerView, QuarantineView]:
    """Both views: of a state folder, or of a far collector."""
    if ask is not None:
        return FarLedger(ask), FarQuarantine(ask)
    return LedgerView(folder), QuarantineView(folder / "quarantine")


def questions(folder: Path) -> Mapping[str, Callable[..., Any]]:
    """What the collector's door answers from its state folder, by name; values by keyword."""
    ledger, quarantine = views(folder, None)
    return {
        "groups": quarantine.groups, "row": quarantine.row, "stations": quarantine.stations,
        "version": quarantine.version, "drifts": ledger.drifts,
        "hours": lambda since: {feed: {str(hour): counts for hour, counts in hours.items()}
                                for feed, hours in ledger.hours(since).items()},
        "spells": lambda since: [asdict(spell) for spell in ledger.spells(since)],
    }


def answered(known: Mapping[str, Callable[..., Any]], wish: Any) -> Any:
    """The answer to {question, values}.

    Raises:
        WrongInput: no such question, or values that it does not take.
        NotFound, Unavailable: as the view says.
    """
    try:
        work, values = known[wish["question"]], {str(name): _plain(value) for name, value in wish["values"].items()}
        return work(**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise WrongInput("应为 {question, values} 的 JSON 对象；两边的程序版本应相同") from error


def _plain(value: Any) -> str | int:
    if not isinstance(value, (str, int)):
        raise TypeError("text or whole number")
    return value
