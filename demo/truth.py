"""The ground truth of the demo county: which events are duplicates, what a cluster or a silent device was caused by.

Written by the simulator for later checks of the analysis; an import rule keeps it out of the product's reach.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from demo.city_events import CityEvents
from demo.sensors import METRICS
from demo.series import MICRO

FILE = "ground_truth.jsonl"


def of_day(events: CityEvents, day: int) -> list[dict[str, Any]]:
    """All truths of a local day: causes, anomalies, clusters, duplicates."""
    county, table = events.county, events.of_day(day)
    found: list[dict[str, Any]] = []
    for incident in county.incidents.of_day(day):
        fact: dict[str, Any] = {"truth": "cause", "id": incident.id, "kind": incident.kind,
                                "from": incident.start * MICRO, "to": incident.end * MICRO,
                                "division": county.ground.towns[incident.town].code}
        if incident.device >= 0:
            fact |= {"truth": "anomaly", "station": county.sites[incident.kind].ids[incident.device],
                     "metric": METRICS[incident.kind]}
        found.append(fact)
    causes: dict[str, list[str]] = {}
    for identity, cause in zip(table.ids, table.intake.cause, strict=True):
        if cause:
            causes.setdefault(cause, []).append(identity)
    found += [{"truth": "cluster", "cause": cause, "events": members} for cause, members in causes.items()]
    found += [{"truth": "duplicate", "event": table.ids[position], "of": table.ids[int(table.intake.twin[position])]}
              for position in np.flatnonzero(table.intake.twin >= 0)]
    return found


def append(folder: Path, events: CityEvents, days: range) -> None:
    """Adds the truths of some local days to the file."""
    lines = [orjson.dumps(fact) for day in days for fact in of_day(events, day)]
    if lines:
        with (folder / FILE).open("ab") as file:
            file.write(b"\n".join(lines) + b"\n")
