"""A PostgreSQL, a MariaDB and a mosquitto of a test's own: in a folder under /tmp, ended by their process."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pymysql
from own_redis import missing, wait_for

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def program(name: str, *places: str) -> str:
    """The path of a server's program: skipped locally where there is none, a failure in CI."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *places])
    found = shutil.which(name, path=path)
    if found is None:
        missing(f"{name} is missing")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
    process.send_signal(signal.SIGCONT)
    process.send_signal(number)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


class PostgresServer:
    """A server on a free port with a database of its own (user and password `yiping`), until the context ends."""

    def __init__(self, *settings: str) -> None:
        places = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
        initdb, server = program("initdb", *places), program("postgres", *places)
        self.folder = Path(tempfile.mkdtemp(prefix="yp-pg-"))
        self._user = _other_user("postgres") if os.getuid() == 0 else None
        secret = self.folder / "pw"
        secret.write_text("s3cret\n")
        if self._user:
            shutil.chown(self.folder, self._user)
            shutil.chown(secret, self._user)
        port, data = free_port(), self.folder / "data"
        subprocess.run([initdb, "-D", str(data), "-U", "yiping", "--pwfile", str(secret), "-A", "scram-sha-256",
                        "--no-sync", "-E", "UTF8", "--no-locale"], check=True, user=self._user, cwd=self.folder,
                       **QUIET)
        self._command = [server, "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c",
                         "fsync=off", "-k", str(self.folder), "-c", "shared_buffers=16MB"]
        for one in settings:
            self._command += ["-c", one]
        self.address = f"postgresql://yiping:s3cret@127.0.0.1:{port}/postgres"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, user=self._user, cwd=self.folder, **QUIET)
        wait_for(lambda: _postgres_answers(self.address), 30)

    def kill(self) -> None:
        """Ends it at once, as a crash would: what was not committed is gone."""
        if self.process is not None:
            end(self.process, signal.SIGQUIT)
            self.process = None

    def __enter__(self) -> PostgresServer:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            end(self.process, signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def postgres() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server, and the address of its database."""
    with PostgresServer() as server:
        assert server.process is not None
        yield server.address, server.process


def _other_user(name: str) -> str:
    try:
        return pwd.getpwnam(name).pw_name
    except KeyError:
        return "nobody"


def _postgres_answers(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def mariadb() -> Iterator[str]:
    """A server on a free port, and the address of its database."""
    install, server = program("mariadb-install-db"), program("mariadbd")
    folder = Path(tempfile.mkdtemp(prefix="yp-my-"))
    port, data, user = free_port(), folder / "data", pwd.getpwuid(os.getuid()).pw_name
    try:
        subprocess.run([install, "--no-defaults", f"--datadir={data}", f"--user={user}", "--skip-test-db",
                        "--auth-root-authentication-method=normal"], check=True, **QUIET)
        process = subprocess.Popen(
            [server, "--no-defaults", f"--datadir={data}", f"--user={user}", f"--port={port}",
             "--bind-address=127.0.0.1", f"--socket={folder}/m.sock", f"--pid-file={folder}/pid",
             "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M"], **QUIET)
        try:
            wait_for(lambda: _mariadb_answers(folder / "m.sock"), 40)
            with pymysql.connect(unix_socket=str(folder / "m.sock"), user="root") as root, root.cursor() as cursor:
                cursor.execute("CREATE DATABASE town CHARACTER SET utf8mb4")
                cursor.execute("CREATE USER yiping@'127.0.0.1' IDENTIFIED BY 's3cret'")
                cursor.execute("GRANT ALL ON town.* TO yiping@'127.0.0.1'")
            yield f"mariadb://yiping:s3cret@127.0.0.1:{port}/town"
        finally:
            end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _mariadb_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(str(path)) == 0


class Broker:
    """A mosquitto on a free port with its sessions kept in a folder; password `s3cret` for the user `yiping`."""

    def __init__(self, *lines: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="yp-mq-"))
        self.port = free_port()
        self._command = [program("mosquitto"), "-c", str(self.folder / "conf")]
        user = pwd.getpwuid(os.getuid()).pw_name
        (self.folder / "conf").write_text("\n".join([
            f"user {user}", f"listener {self.port} 127.0.0.1", "persistence true",
            f"persistence_location {self.folder}/", "autosave_interval 1", "log_dest none",
            "allow_anonymous true", "max_queued_messages 0", *lines]) + "\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, **QUIET)
        wait_for(self._answers, 15)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
