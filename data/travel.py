"""What a pack assumes about getting somewhere: `travel.yaml`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from data.strict import Strict

Speed = Annotated[float, Field(gt=0, le=200)]


class Travel(Strict):
    """How long somebody needs who is sent. Every figure is an assumption and is shown with its source.

    detour: road length over straight length, used where there is no road network; detour_source says where a pack has
    it from. speed_kmh: mean speed for that.
    departure_min: between the call and setting out. roads: class of `roads.geojson` → km/h; other_kmh: of any other
    class. off_road_kmh: speed between a place and its road; off_road_m: farther off than that is not on the network.
    """

    detour: Annotated[float, Field(ge=1, le=5)] = 1.4
    detour_source: str = "假定，未经实测"
    speed_kmh: Speed = 40
    departure_min: Annotated[float, Field(ge=0, le=120)] = 5
    basis: str = "车速与出动时间为假定"
    roads: dict[str, Speed] = Field(default_factory=dict)
    other_kmh: Speed = 30
    off_road_kmh: Speed = 20
    off_road_m: Annotated[float, Field(gt=0, le=20_000)] = 1000

    @model_validator(mode="before")
    @classmethod
    def _own_source(cls, told: Any) -> Any:
        """A pack's own factor is not covered by what is said of the default one."""
        if isinstance(told, dict) and "detour" in told and "detour_source" not in told:
            return {**told, "detour_source": "地方包没有写明来源"}
        return told
