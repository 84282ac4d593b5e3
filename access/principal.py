"""Who is asking: an immutable value that travels with every read and write."""

from __future__ import annotations

from dataclasses import dataclass

READ, EXPORT, REPLAY = "read", "export", "replay"
SUPERVISE, ACKNOWLEDGE, CORRECT, CONTROL = "supervise", "acknowledge", "correct", "control"
# Backup, restore, import of a whole history, retention.
KEEP = "keep"
WRITING = frozenset({SUPERVISE, ACKNOWLEDGE, CORRECT, CONTROL, KEEP})


@dataclass(frozen=True)
class Principal:
    """`division` is the top of what may be read; `capabilities` what may be done; `masked` hides personal data."""

    name: str
    role: str
    division: str
    capabilities: frozenset[str]
    masked: bool = True


def demo_principal(root: str) -> Principal:
    """The demo's reader: everything masked, may export (watermarked) and replay, may not write."""
    return Principal("demo", "demo", root, frozenset({READ, EXPORT, REPLAY}))


def duty_principal(root: str) -> Principal:
    """Who opened the one-time link on this machine: the demo's rights and writing."""
    return Principal("duty", "duty", root, frozenset({READ, EXPORT, REPLAY}) | WRITING)


def may(principal: Principal, capability: str, ancestors: tuple[str, ...]) -> bool:
    """True when the capability is held and the target lies inside the principal's division.

    `ancestors`: the target division's code and all codes above it.
    """
    return capability in principal.capabilities and principal.division in ancestors
