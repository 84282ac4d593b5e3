"""The first seconds of the simulator: the present state of the county, so that the first screen is full at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo.days import DAY_S
from demo.feeds import OBSERVED
from demo.memory import Memory

if TYPE_CHECKING:
    from demo.world import World

FINE_HOURS, COARSE_HOURS = 3, 26
COMPARED_DAYS = 17
ORDER = ("rain", "river", "reservoir", "air_hourly", "power", "parking", "traffic", "hall", "water_quality")
CATCH_UP_S = 2 * DAY_S
OPENING_WARNINGS_S = 3 * DAY_S
YEARS_S = 3 * 365 * DAY_S


def first_memory(now: int, scenario: str) -> Memory:
    """What a simulator that never ran knows."""
    fine_from = now // 3600 * 3600 - FINE_HOURS * 3600
    return Memory(began=now, fine_from=fine_from, anchor=now, scenario=scenario,
                  spans=[(fine_from - YEARS_S, fine_from)])


def resume(memory: Memory, now: int, scenario: str) -> None:
    """Decides for every feed what is sent at once, what fills in behind, and what is left to history."""
    if scenario != memory.scenario:
        memory.scenario, memory.anchor = scenario, now
    oldest = min(memory.sent.values(), default=now)
    edge = now // 3600 * 3600 - CATCH_UP_S
    if oldest < edge:
        # Longer away than is sent live: hourly values from history, the feeds' own step again after the edge.
        memory.spans.append((oldest // 3600 * 3600, edge))
        memory.fine_from = edge
        memory.gaps = {}
    for feed, sent in memory.sent.items():
        memory.sent[feed] = min(sent, now) if sent >= edge else edge
    for feed in OBSERVED:
        step = OBSERVED[feed].step_s
        if feed in memory.sent and now - memory.sent[feed] > 2 * step:
            memory.gaps.setdefault(feed, []).append((memory.sent[feed], now - step))
            memory.sent[feed] = now - step


def opening(world: World, memory: Memory) -> list[tuple[str, list[dict[str, Any]]]]:
    """(feed, records) to push on the very first start, in order."""
    now, fine = memory.began, memory.fine_from
    batches: list[tuple[str, list[dict[str, Any]]]] = [
        ("warnings", world.bulletins.records(now - OPENING_WARNINGS_S, now)),
        ("sensors", world.observations.reported("sensors", now - 300, now, fine)),
    ]
    for feed in ORDER:
        batches.append((feed, world.observations.coarse_records(feed, now - COARSE_HOURS * 3600, fine)
                        + world.observations.reported(feed, fine, now, fine)))
    standing = world.events.standing(now)
    batches.insert(4, ("events", standing))
    # What this week and the last are compared by; it may come when the rest stands.
    held = {record["id"] for record in standing}
    batches.append(("events", [record for record in world.events.standing(now, COMPARED_DAYS)
                               if record["id"] not in held]))
    memory.gaps["sensors"] = [(fine, now - 300)]
    return [(feed, records) for feed, records in batches if records]
