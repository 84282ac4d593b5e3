"""What only a store with a server can do: die, be refused, fill up, and take several collectors at once."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from history_stores import EVER, T0, Store, batch, postgres_store, put, reading, seqs, staged
from own_databases import PostgresServer, wait_for

from data import history_postgres_write
from data.errors import Unavailable, WrongInput
from data.history import HistoryReader, open_reader, open_writer
from data.history_postgres import Server
from data.hung_database import LOOK_S
from data.pack import load_pack
from data.settings import load_settings

pytestmark = pytest.mark.integration
# Processes of a server besides those of its connections.
HELPERS = 5
TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        yield found


@pytest.fixture
def store(server: PostgresServer, tmp_path: Path) -> Iterator[Store]:
    found = postgres_store(server.address, tmp_path)
    yield found
    assert found.server is not None
    found.server.close()


def test_a_server_killed_mid_commit_shows_nothing_and_the_rows_wait(
        server: PostgresServer, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, reader = store.writer(), store.reader()
    put(writer, "observation", reading(1))
    writer.append(batch("observation", reading(2, T0 + 1)))
    with monkeypatch.context() as patch:
        # After the rows, before the commit of the transaction.
        patch.setattr(history_postgres_write, "_show", lambda *_: server.kill())
        with pytest.raises(Unavailable, match="历史数据库"):
            writer.commit()
    with pytest.raises(Unavailable):
        seqs(reader)
    server.start()
    assert seqs(reader) == [1]
    assert (reader.manifest().checkpoint, writer.checkpoint) == (1, 1)
    writer.append(batch("observation", reading(3, T0 + 2)))
    writer.commit()
    assert seqs(reader) == [1, 2, 3]
    assert reader.manifest().checkpoint == 3


def test_a_commit_whose_answer_was_lost_is_not_made_twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, reader = store.writer(), store.reader()
    put(writer, "observation", reading(1))
    writer.append(batch("observation", reading(2, T0 + 1)))
    real = history_postgres_write._show

    def lost(line: psycopg.Connection, upto: int) -> None:
        real(line, upto)
        line.execute("COMMIT")
        raise psycopg.OperationalError("server closed the connection unexpectedly")
    with monkeypatch.context() as patch:
        patch.setattr(history_postgres_write, "_show", lost)
        with pytest.raises(Unavailable):
            writer.commit()
    assert seqs(reader) == [1, 2]
    assert writer.checkpoint == 1
    writer.append(batch("observation", reading(3, T0 + 2)))
    writer.commit()
    assert seqs(reader) == [1, 2, 3]
    assert [entry.rows for entry in reader.manifest().files] == [1, 1, 1]


def test_a_bulk_that_dies_shows_nothing(server: PostgresServer, store: Store, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    writer, reader = store.writer(), store.reader()
    path = staged(tmp_path, "a.parquet", [("a", T0, 1.0), ("b", T0 - 40 * 86_400_000_000, 1.0)])
    with monkeypatch.context() as patch:
        patch.setattr(history_postgres_write, "_show", lambda *_: server.kill())
        with pytest.raises(Unavailable):
            writer.publish_bulk("observation", "air", [path], 10)
    server.start()
    assert seqs(reader) == []
    assert (reader.manifest().bulk, reader.manifest().files) == (0, ())
    assert writer.publish_bulk("observation", "air", [path], 10) == (2, 0)
    assert seqs(reader) == [10, 11]


def test_a_restart_between_two_questions_goes_unnoticed(server: PostgresServer, store: Store) -> None:
    put(store.writer(), "observation", reading(1))
    reader = store.reader()
    assert seqs(reader) == [1]
    server.kill()
    server.start()
    assert seqs(reader) == [1]


def test_a_full_disk_is_named_and_the_rows_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = store.writer()
    writer.append(batch("observation", reading(1)))

    def full(*_: object) -> None:
        raise psycopg.errors.DiskFull("could not extend file")
    with monkeypatch.context() as patch:
        patch.setattr(history_postgres_write, "copy_in", full)
        with pytest.raises(Unavailable, match="磁盘已满"):
            writer.commit()
    writer.commit()
    assert seqs(store.reader()) == [1]


def test_two_collectors_write_at_once(store: Store) -> None:
    writers = {name: store.writer(name) for name in ("east", "west")}
    blocks = {name: writer.reserve(1000) for name, writer in writers.items()}
    assert blocks == {"east": 1, "west": 1001}
    failed: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(20):
                seq = blocks[name] + number
                put(writers[name], "observation", reading(seq, T0 + number * 3_000_000_000_000, feed=name))
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)
    threads = [threading.Thread(target=work, args=(name,)) for name in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert seqs(store.reader()) == [*range(1, 21), *range(1001, 1021)]
    told = store.reader().manifest()
    assert told.checkpoints == (("east", 20), ("west", 1020))
    assert told.checkpoint == 20
    assert (store.writer("east").checkpoint, store.writer("west").checkpoint) == (20, 1020)
    assert store.writer("new").reserve(10) == 2001


def test_a_second_collector_of_the_same_name_is_noticed(store: Store) -> None:
    one, two = store.writer(), store.writer()
    put(one, "observation", reading(1))
    two.append(batch("observation", reading(2)))
    with pytest.raises(Unavailable, match="只留一个"):
        two.commit()
    assert seqs(store.reader()) == [1]


def test_a_nul_in_a_text_does_not_stop_the_rest(store: Store) -> None:
    put(store.writer(), "observation", {**reading(1), "quality": "a\0b"}, reading(2, T0 + 1))
    assert store.reader().rows("observation", EVER, columns=["quality"])["quality"].to_pylist() == [
        "a\u2400b", None]


def test_a_password_is_in_no_message(server: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pack = load_pack(TINY)
    addresses = {
        server.address.replace("yiping:s3cret", "yiping:hun_ter2"): Unavailable,
        "postgresql://yiping:hun_ter2@127.0.0.1:9/none": Unavailable,
        "postgresql://yiping:hun@ter2@127.0.0.1/none": WrongInput,
        "postgresql://yiping:hun_ter2@127.0.0.1:5%zz/none": WrongInput,
        "mysql://yiping:hun_ter2@127.0.0.1/none": WrongInput, "hun_ter2": WrongInput}
    for address, wanted in addresses.items():
        settings = load_settings(place=TINY, state=tmp_path, history_url=address)
        with pytest.raises(wanted) as caught:
            open_writer(settings, pack, settings.clock())
        with pytest.raises(wanted) as reading_it:
            open_reader(settings, pack).manifest()
        for text in (str(caught.value), str(reading_it.value), caplog.text):
            assert "hun_ter2" not in text
            assert "ter2" not in text
            assert "\n" not in str(caught.value)


def test_the_schema_of_a_later_program_is_refused(store: Store) -> None:
    store.writer()
    assert isinstance(store.server, Server)
    with store.server.lend() as line:
        line.execute("UPDATE manifest SET layout = 99")
    with pytest.raises(Unavailable, match="99"):
        store.reader().manifest()
    with pytest.raises(Unavailable, match="99"):
        store.writer()


def test_a_stopped_server_holds_nobody_for_ever(store: Store) -> None:
    assert store.server is not None
    stopped: list[int] = []

    def question(line: psycopg.Connection) -> str:
        if not stopped:
            stopped.append(line.info.backend_pid)
            os.kill(stopped[0], signal.SIGSTOP)
        return str(line.execute("SELECT 'here'").fetchone())

    began = time.monotonic()
    try:
        assert store.server.ask(question, 1.0) == "('here',)", "asked again on another connection"
        assert time.monotonic() - began < 10
    finally:
        os.kill(stopped[0], signal.SIGCONT)


def test_a_server_that_hangs_holds_nobody_ten_seconds_and_one_that_is_slow_is_waited_for(
        server: PostgresServer, store: Store) -> None:
    assert store.server is not None
    assert server.process is not None
    asked = store.server
    assert asked.ask(lambda line: line.execute("SELECT 'slow', pg_sleep(%s)", (LOOK_S + 0.5,)).fetchone())
    main = psutil.Process(server.process.pid)
    took: list[float] = []

    def wait() -> None:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            asked.ask(lambda line: line.execute("SELECT pg_sleep(50)").fetchone())
        took.append(time.monotonic() - began)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(main.children()) >= 3 + HELPERS)
    stopped = [main, *main.children(recursive=True)]
    for process in stopped:
        process.suspend()
    try:
        threads.append(threading.Thread(target=wait))
        threads[-1].start()
        for thread in threads:
            thread.join(30)
    finally:
        for process in stopped:
            process.resume()
    assert len(took) == 4
    assert max(took) < 10, took
    wait_for(lambda: answered_by(asked), 10)


def answered_by(asked: Server) -> bool:
    try:
        return bool(asked.ask(lambda line: line.execute("SELECT 1").fetchone()))
    except Unavailable:
        return False


def test_while_the_server_is_away_nobody_waits_and_it_is_found_again(server: PostgresServer, store: Store) -> None:
    put(store.writer(), "observation", reading(1))
    reader = store.reader()
    assert reader.manifest().checkpoint == 1
    server.kill()
    try:
        for _ in range(2):
            with pytest.raises(Unavailable, match="没有完成"):
                reader.manifest()
        began = time.monotonic()
        for _ in range(50):
            with pytest.raises(Unavailable, match="没有应答"):
                reader.manifest()
        assert time.monotonic() - began < 0.5
    finally:
        server.start()
    wait_for(lambda: answered(reader), 10)
    assert reader.manifest().checkpoint == 1


def answered(reader: HistoryReader) -> bool:
    try:
        return bool(reader.manifest().files)
    except Unavailable:
        return False
