"""A Spark cluster of a test's own: a master and two workers, each a process, on 127.0.0.1."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import httpx
import pytest
from own_databases import QUIET, end, free_port, program
from own_redis import wait_for

WORKERS = 2


class Cluster:
    """Started at once; `close` ends all. Skips where pyspark, which is optional, is not installed."""

    def __init__(self, workers: int = WORKERS) -> None:
        found = importlib.util.find_spec("pyspark")
        if found is None or found.origin is None:
            pytest.skip("pyspark is optional and not installed")
        home, java = Path(found.origin).parent, program("java")
        self.folder = Path(tempfile.mkdtemp(prefix="yp-spark-"))
        # Java asks this name for its own address; the driver in this process must be found there too.
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        environment = os.environ | {"SPARK_HOME": str(home), "SPARK_SCALA_VERSION": "2.13"}
        self.address, looks = f"spark://127.0.0.1:{free_port()}", free_port()
        open_up = ["--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.nio=ALL-UNNAMED",
                   "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED"]
        base = [java, "-Xmx256m", *open_up, "-cp", f"{home}/jars/*"]
        port = self.address.rpartition(":")[2]
        commands = [[*base, "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", port,
                     "--webui-port", str(looks)]]
        commands += [[*base, "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0",
                      "--cores", "1", "--memory", "2g", "--work-dir", str(self.folder / f"w{number}"), self.address]
                     for number in range(workers)]
        self.processes = [subprocess.Popen(command, env=environment, cwd=self.folder, **QUIET) for command in commands]
        try:
            wait_for(lambda: self._alive(looks) == workers, 120)
        except BaseException:
            self.close()
            raise

    def _alive(self, port: int) -> int:
        try:
            return int(httpx.get(f"http://127.0.0.1:{port}/json/", timeout=2.0).json()["aliveworkers"])
        except (httpx.HTTPError, ValueError, KeyError):
            return 0

    def close(self) -> None:
        for process in reversed(self.processes):
            end(process)
        shutil.rmtree(self.folder, ignore_errors=True)
