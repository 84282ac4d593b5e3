"""Contributions kept by metric and window, whatever the division: a drill only rolls them up anew."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from data.contribution import Contribution
from data.inputs import Formula, Inputs
from data.settled import Stamp

MOST_BYTES = 64_000_000
MINUTE = 60_000_000


class ContributionMemo:
    """Formulas that answer the same evaluation on the same data from memory. For one thread at a time.

    `stamp(metric, end)`: what changes whenever a record before `end` (µs UTC) that the metric looks at does. Windows
    that follow the clock move by the minute.
    """

    def __init__(self, formulas: Mapping[str, Formula], stamp: Stamp) -> None:
        self._stamp = stamp
        self._kept: OrderedDict[Any, Contribution] = OrderedDict()
        self._bytes = 0
        self.formulas: dict[str, Formula] = {kind: self._remembering(formula) for kind, formula in formulas.items()}

    def _remembering(self, formula: Formula) -> Formula:
        def remembered(inputs: Inputs) -> Contribution:
            key = self._key(inputs)
            found = self._kept.get(key)
            if found is None:
                found = formula(inputs)
                self._keep(key, found, 16 * len(inputs.tables.divisions))
            else:
                self._kept.move_to_end(key)
            return found

        return remembered

    def _key(self, inputs: Inputs) -> Any:
        unit = MINUTE if inputs.moving else 1
        asked = (id(inputs.metric), inputs.start // unit, inputs.end // unit, unit, inputs.step, inputs.offset)
        return (*asked, inputs.filters, inputs.group, self._stamp(inputs.metric, inputs.until))

    def _keep(self, key: Any, found: Contribution, rolled_up: int) -> None:
        """`rolled_up`: bytes of the figures of all divisions, which the contribution will hold."""
        self._kept[key] = found
        self._bytes += found.nbytes + rolled_up
        while self._bytes > MOST_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes + rolled_up
