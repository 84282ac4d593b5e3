"""E3 and R12 in short: a collector that stays as large as it is, and a part that restarts on a broken pack."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from own_redis import ROOT, TINY_PACK
from test_supervisor import SLEEPER, running, until

from bench.endured import Scale, flat
from data.parts import Part, bound

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_the_collector_stays_flat_at_two_thousand_rows_a_second(tmp_path: Path) -> None:
    found = flat(tmp_path, Scale(short=True))
    assert found.held, found.facts


def test_a_part_that_restarts_on_a_broken_pack_is_named_and_the_others_stay(tmp_path: Path) -> None:
    pack = Path(shutil.copytree(TINY_PACK, tmp_path / "pack"))
    code = (f"import subprocess, sys, time; done = subprocess.run([sys.executable, {str(ROOT / 'app.py')!r}, 'check', "
            f"{str(pack)!r}]); done.returncode and sys.exit(done.returncode); time.sleep(600)")
    parts = [Part("reader", bound([sys.executable, "-c", code]), 0),
             Part("other", bound([sys.executable, "-c", SLEEPER]), 0, lambda: True)]
    with running(tmp_path, parts) as run:
        assert run.ready.wait(60)
        other, before = run.status("other"), run.status("reader")
        path = pack / "metrics.yaml"
        good = path.read_text("utf-8")
        path.write_text(good.replace("unit:", "unitt:", 1), "utf-8")
        os.kill(before.pid, signal.SIGKILL)
        until(lambda: any("metrics.yaml:" in line for line in run.said), 60)
        assert run.status("other") == other
        path.write_text(good, "utf-8")
        until(lambda: run.status("reader").state == "up", 60)
