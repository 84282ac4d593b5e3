"""Events that ended before memory begins, found by their number alone: history is read for it."""

from __future__ import annotations

import unicodedata
from typing import Any

from data.metrics import Evaluator
from data.rowsets import event_row


def by_number(evaluator: Evaluator, text: str, end_us: int) -> list[dict[str, Any]]:
    """Rows of the events that bear this number, as written or in capitals, one of each feed; [] where none does.

    Raises:
        Unavailable: history cannot be read.
    """
    number = unicodedata.normalize("NFKC", text).strip()
    tables = evaluator.tables
    ids = list(dict.fromkeys((number, number.upper(), text.strip())))
    whole = tables.whole_events({feed: ids for feed in tables.event_feeds()})
    return [event_row(evaluator, whole, at, end_us) for at in range(len(whole))]
