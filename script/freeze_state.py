"""Makes the small frozen state folder that later programs must still open: script/freeze_state.py TARGET

Made-up records of the tests' tiny place, taken in by a real collector. A layout that was released is never made anew:
tests/fixtures/state-0.2 stays as program 0.2 wrote it; tests/integration/test_state_of_before.py says what it holds.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from data.collect import Collector
from data.pack import load_pack
from data.settings import ROOT, load_settings
from data.snapshot import Snapshot
from data.tokens import make_token

TINY = ROOT / "tests" / "fixtures" / "tiny_pack"
START, STEP = 1_795_132_800_000_000, 300_000_000
STAGES = ("received", "filed", "dispatched", "handling", "closed")


def records() -> list[tuple[str, list[dict[str, Any]]]]:
    """What is pushed, in order: gauges with a correction and a refused value, events of which half are closed."""
    gauges = [{"id": f"g{n}", "layer": "gauge", "name": f"站{n}", "lon": 100.05 + n / 100, "lat": 30.05}
              for n in range(4)]
    readings = [{"station": f"g{n}", "metric": "level", "time": START + step * STEP, "value": n + step / 100,
                 "demo": True} for step in range(60) for n in range(4)]
    cases = [{"id": f"c{n}", "time": START + n * STEP, "category": "road", "channel": "phone", "stage": stage,
              "stage_time": START + n * STEP + place * STEP, "lon": 100.05, "lat": 30.05, "title": f"第{n}件"}
             for n in range(10) for place, stage in enumerate(STAGES) if n % 2 == 0 or stage != "closed"]
    corrected = [{**readings[0], "value": 9.5}]
    monthly = [{"indicator": "gdp", "division": "990101000000", "period": "2026-09", "basis": "current", "value": 12.5}]
    return [("stations", gauges), ("gauges", readings), ("gauges", corrected), ("gauges", readings[:1]),
            ("gauges", [{**readings[0], "value": 999.0}]), ("cases", cases), ("monthly", monthly)]


def main(target: Path) -> None:
    """Writes `target` anew."""
    for name in [name for name in os.environ if name.startswith("YIPING_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as work:
        settings = load_settings(place=TINY, state=Path(work) / "state", redis_url=f"unix://{work}/none.sock",
                                 clock_offset_s=0.0)
        make_token(settings, "gauges")
        collector = Collector(settings, load_pack(TINY))
        collector.start()
        for feed, raws in records():
            collector.submit(feed, raws).result(10)
        collector.stop()
        shutil.rmtree(target, ignore_errors=True)
        pins = Path(work) / "pins"
        for one in Snapshot(settings.state_dir, pins).take():
            (target / one.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(one.source, target / one.path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
