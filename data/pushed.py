"""Pushed records of a feed that has a mapping: the sender's own fields become canonical ones before acceptance."""

from __future__ import annotations

from dataclasses import dataclass

from data.bodies import Body
from data.mapping import RowMapper, raw_text


@dataclass(frozen=True)
class BodyMapping:
    """The mapping of one feed for bodies."""

    mapper: RowMapper

    def apply(self, body: Body) -> Body:
        """The canonical records, each with the position of what it was made from; what cannot be mapped is broken."""
        broken = list(body.broken)
        objects, places = [], []
        for raw, position in zip(body.raws, body.positions, strict=True):
            if isinstance(raw, dict):
                objects.append(raw)
                places.append(position)
            else:
                broken.append((position, raw_text({"": raw}), "记录应为 JSON 对象"))
        mapped = self.mapper.apply(objects)
        broken += [(places[origin], raw, reason) for (raw, reason), origin
                   in zip(mapped.rejected, mapped.rejected_origin, strict=True)]
        return Body(mapped.rows, [places[origin] for origin in mapped.origin], broken,
                    mapped.counts["repaired"])
