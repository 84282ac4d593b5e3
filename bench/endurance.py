"""The long forms of the promises: `./script/endurance kill soak …`; each leaves a JSON in bench/results/."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import endured, flow, tenfold
from bench.drill import drill
from bench.endured import Found, Scale
from bench.report import RESULTS, machine
from data.settings import ROOT

STORE_TESTS = ("tests/integration/test_history_stores.py", "tests/integration/test_history_bulk_stores.py",
               "tests/integration/test_postgres_history.py", "tests/integration/test_county_stores.py")
KILL_TEST = "tests/integration/test_collector_kill.py"
MASTERS_TEST = "tests/integration/test_redis_many.py"
MQTT_TEST = "tests/integration/test_pull_mqtt.py::test_kills_of_the_collector_lose_and_double_nothing"


def kill(_folder: Path, scale: Scale) -> Found:
    """kill -9 of the collector while records stream in: what was acknowledged is there, each once."""
    return _killing(KILL_TEST, scale.times(400, 100))


def mqtt(_folder: Path, scale: Scale) -> Found:
    """kill -9 of the collector while a broker's messages stream in, and a broker that restarts: each is stored once."""
    return _killing(MQTT_TEST, scale.times(200, 12))


def masters(_folder: Path, scale: Scale) -> Found:
    """kill -9 of the master under load, of a Redis Cluster and of a Sentinel set: live again within 15 s, all there."""
    return _killing(MASTERS_TEST, scale.times(20, 1))


def stores(_folder: Path, _scale: Scale) -> Found:
    """The contract of the history over every engine, a real Spark cluster among them (pyspark is installed first)."""
    lock = ROOT / "requirements-spark.txt"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock)], check=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", *STORE_TESTS], cwd=ROOT,
                          check=False, capture_output=True, text=True)
    said = done.stdout.strip().splitlines()[-3:]
    return Found(done.returncode == 0 and "skipped" not in said[-1], {
        "seconds": round(time.monotonic() - began, 1), "said": said})


def _killing(test: str, kills: int) -> Found:
    return _testing(test, {"KILLS": str(kills)})


def _testing(test: str, chosen: dict[str, str]) -> Found:
    """A test in its long form, with what was chosen for it in its environment."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test], cwd=ROOT, check=False,
                          env=os.environ | {"ENDURANCE": "1"} | chosen, capture_output=True, text=True)
    facts: dict[str, Any] = {**{name.lower(): int(value) for name, value in chosen.items()},
                             "seconds": round(time.monotonic() - began, 1),
                             "said": done.stdout.strip().splitlines()[-3:]}
    return Found(done.returncode == 0, facts)


def api(_folder: Path, scale: Scale) -> Found:
    """schemathesis against the running web: hundreds of right and of wrong questions a call, chosen anew each time."""
    chosen = {"EXAMPLES": str(scale.times(400, 8)), "SEED": str(int(time.time()))}
    return _testing("tests/integration/test_api_fuzzed.py", chosen)


def power(_folder: Path, scale: Scale) -> Found:
    """Power cuts under everything at once, each losing what no fsync made durable: what was acknowledged is there."""
    return _testing("tests/integration/test_power_cut.py",
                    {"CUTS": str(scale.times(60, 4)), "SEED": str(int(time.time()))})


def outage(_folder: Path, scale: Scale) -> Found:
    """R1, R2, R3, R10 with fifty viewers: Redis killed 20 times, stopped for 60 s, full, and five minutes of flood."""
    return _testing("tests/integration/test_outage_promises.py", {
        "KILLS": str(scale.times(20, 1)), "HUNG_S": str(scale.times(60, 20)), "FLOOD_S": str(scale.times(300, 10)),
        "DOWN_S": str(scale.times(20, 6)), "VIEWERS": str(scale.times(50, 5)), "SEED": str(int(time.time()))})


def cut(_folder: Path, scale: Scale) -> Found:
    """R6: fifty pages of a real browser whose network swallows everything for five minutes."""
    return _testing("tests/browser/test_cut_off.py",
                    {"PAGES": str(scale.times(50, 5)), "CUT_S": str(scale.times(300, 14))})


def packs(_folder: Path, scale: Scale) -> Found:
    """R12: two thousand spoilt packs."""
    return _testing("tests/unit/test_mutated_packs.py", {"PACKS": str(scale.times(2000, 200))})


FORMS: dict[str, Callable[[Path, Scale], Found]] = {
    "kill": kill, "mqtt": mqtt, "parts": endured.parts, "hung": endured.hung, "soak": endured.soak,
    "restart": endured.restart, "history": endured.history, "flat": endured.flat, "fresh": flow.fresh,
    "masters": masters, "stores": stores, "ten": tenfold.ten, "drill": drill, "api": api, "power": power,
    "outage": outage, "cut": cut, "packs": packs,
}


def main(arguments: list[str]) -> int:
    """0 = every form held."""
    parser = argparse.ArgumentParser(prog="endurance", description="长时间的检验，逐项运行，结果存入 bench/results/")
    parser.add_argument("forms", nargs="*", metavar="NAME", help="、".join(FORMS) + "（默认全部）")
    parser.add_argument("--short", action="store_true", help="每项的短形式")
    parser.add_argument("--folder", type=Path, help="使用并保留这个目录（例如之后用它的 state 做 bench）")
    args = parser.parse_args(arguments)
    unknown = [name for name in args.forms if name not in FORMS]
    if unknown:
        print(f"没有 {'、'.join(unknown)} 这一项；可选：{'、'.join(FORMS)}", file=sys.stderr)
        return 2
    held = [run(name, Scale(args.short), args.folder) for name in args.forms or FORMS]
    return 0 if all(held) else 1


def run(name: str, scale: Scale, kept: Path | None = None) -> bool:
    """One form: what it found goes to the terminal and into a file."""
    print(f"运行 {name}{'（短形式）' if scale.short else ''}…", flush=True)
    before, began = machine(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yiping-endurance-", ignore_cleanup_errors=True) as folder:
        try:
            found = FORMS[name](kept or Path(folder), scale)
        except Exception as error:  # noqa: BLE001 - the other forms still count
            found = Found(False, {"error": f"{type(error).__name__}: {error}"})
    body = {"form": name, "short": scale.short, "held": found.held, "commit": commit(), "before": before,
            "after": machine(), "seconds": round(time.monotonic() - began, 1), **found.facts}
    path = save(name, body)
    told = json.dumps(found.facts, ensure_ascii=False)[:1000]
    print(f"{'✓' if found.held else '✗'} {name}：{told}\n  {path}", flush=True)
    return found.held


def commit() -> str:
    """The commit that was measured; `+` when files differ from it."""
    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    return ask("rev-parse", "HEAD") + ("+" if ask("status", "--porcelain", "-uno") else "")


def save(name: str, body: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Writes `endurance-<form>-<UTC time>.json` and gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"endurance-{name}-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
