"""How long a way takes that nobody has driven: straight-line distance, detour factor, mean speed, setting out."""

from __future__ import annotations


def straight_minutes(straight_m: float, detour: float, speed_kmh: float, departure_min: float) -> float:
    """Minutes to a place `straight_m` away as the crow flies.

    Road length is estimated as straight length times a detour factor, which is the place's own assumption. That the two
    go together, but for shores and other barriers, show Boscoe, Henry and Zdeb 2012 (The Professional Geographer 64(2),
    doi 10.1080/00330124.2011.583586: r² > 0.9 over 66,000 places and their hospitals in the United States).
    """
    return departure_min + straight_m * detour / (speed_kmh * 1000 / 60)


def road_minutes(driven_min: float, departure_min: float) -> float:
    """Minutes of a way over a road network, setting out included."""
    return departure_min + driven_min
