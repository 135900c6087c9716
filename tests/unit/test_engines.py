"""The embedded engines: up by themselves, joined, stopped, crashed, and never orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from connector.engines import (
    EngineError,
    Postgres,
    Valkey,
    engines,
    remove_sockets,
    start_postgres,
    start_valkey,
)
from connector.engines.process import OURSELVES, Engine, is_alive, wait_until
from connector.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
STARTS_BOTH = """
import sys, signal
from pathlib import Path
from connector.engines import start_postgres, start_valkey
if __name__ == "__main__":
    postgres = start_postgres(Path(sys.argv[1]))
    valkey = start_valkey(Path(sys.argv[1]))
    print(postgres.pid, valkey.pid, flush=True)
    signal.pause()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    remove_sockets(tmp_path / "data")


@pytest.fixture
def own_postgres(data_dir: Path) -> Iterator[Postgres]:
    postgres = start_postgres(data_dir)
    yield postgres
    postgres.stop()


@pytest.fixture
def own_valkey(data_dir: Path) -> Iterator[Valkey]:
    valkey = start_valkey(data_dir)
    yield valkey
    valkey.stop()


class Elsewhere:
    """A process that keeps both engines up; `pids` waits until it has said theirs."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTS_BOTH, str(data_dir)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def pids(self) -> list[int]:
        assert self.process.stdout
        return [int(pid) for pid in self.process.stdout.readline().split()]

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        assert self.process.stdout
        self.process.send_signal(number)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def elsewhere(data_dir: Path) -> Iterator[Callable[[], Elsewhere]]:
    started: list[Elsewhere] = []

    def start() -> Elsewhere:
        started.append(Elsewhere(data_dir))
        return started[-1]

    yield start
    for one in started:
        one.end()


def all_gone(pids: list[int]) -> bool:
    return not any(is_alive(pid) for pid in pids)


def test_the_two_roles_are_no_superusers_and_bypass_nothing(own_postgres: Postgres) -> None:
    for url in (own_postgres.url, own_postgres.owner_url):
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles"
                " WHERE rolname = current_user"
            ).fetchone()
        assert row == (False, False, False)


def test_the_owner_makes_tables_and_the_app_may_not(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.owner_url) as owner:
        owner.execute("CREATE TABLE shelf (id int)")
    with (
        psycopg.connect(own_postgres.url) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("CREATE TABLE mine (id int)")


def test_nothing_is_given_up_for_speed(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone()
            for name in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses")
        ]
    assert shown == [("on",), ("on",), ("on",), ("",)]


def test_text_is_unicode_in_order_and_case(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url) as connection:
        row = connection.execute("SELECT lower('MØDE'), length('👍🏽')").fetchone()
    assert row == ("møde", 2)


def test_what_was_committed_survives_a_crash(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.owner_url) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 7 AS n")
    own_postgres.restart_immediate()
    own_postgres.kill()
    own_postgres.start()
    with psycopg.connect(own_postgres.owner_url) as owner:
        assert owner.execute("SELECT n FROM kept").fetchone() == (7,)


def test_a_lock_file_that_names_a_stranger_does_not_stop_the_start(
    own_postgres: Postgres, data_dir: Path
) -> None:
    own_postgres.stop()
    lines = f"{os.getpid()}\n{data_dir / 'postgres'}\n1\n5432\n\n\n"
    (data_dir / "postgres" / "postmaster.pid").write_text(lines, encoding="utf-8")
    own_postgres.start()
    assert own_postgres.answers()


def test_a_second_start_joins_the_first_and_leaves_it_alone(own_postgres: Postgres) -> None:
    joined = start_postgres(own_postgres._place.data.parent)
    assert joined.joined
    assert joined.url == own_postgres.url
    assert joined.pid == own_postgres.pid
    joined.stop()
    assert own_postgres.answers()


def test_two_starts_at_once_make_one_cluster(elsewhere: Callable[[], Elsewhere]) -> None:
    one, two = elsewhere(), elsewhere()
    first, second = one.pids(), two.pids()
    assert first == second
    one.end()
    two.end()
    assert wait_until(lambda: all_gone(first), timeout_s=20)


def test_a_cluster_half_made_by_a_killed_start_is_made_anew(data_dir: Path) -> None:
    half = data_dir / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18", encoding="utf-8")
    postgres = start_postgres(data_dir)
    assert postgres.answers()
    postgres.stop()


def test_valkey_keeps_what_it_holds_through_a_kill(own_valkey: Valkey) -> None:
    with redis.Redis.from_url(own_valkey.url) as client:
        client.set("rq:kept", "7")
        time.sleep(1.1)  # appendfsync everysec: the promise is one second
        own_valkey.kill()
    assert not own_valkey.answers()
    own_valkey.start()
    with redis.Redis.from_url(own_valkey.url) as client:
        assert client.get("rq:kept") == b"7"


def test_valkey_refuses_rather_than_evicts(own_valkey: Valkey) -> None:
    with redis.Redis.from_url(own_valkey.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}


def test_valkey_without_a_file_forgets(data_dir: Path) -> None:
    valkey = start_valkey(data_dir, appendonly=False)
    with redis.Redis.from_url(valkey.url) as client:
        client.set("rq:kept", "7")
    valkey.restart()
    with redis.Redis.from_url(valkey.url) as client:
        assert client.get("rq:kept") is None
    valkey.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_engine_outlives_its_parent(
    elsewhere: Callable[[], Elsewhere], data_dir: Path, number: signal.Signals
) -> None:
    parent = elsewhere()
    pids = parent.pids()
    assert [is_alive(pid) for pid in pids] == [True, True]
    parent.end(number)
    assert wait_until(lambda: all_gone(pids), timeout_s=20)
    log = (data_dir / "postgres.log").read_text(encoding="utf-8")
    assert log.rstrip().endswith("database system is shut down")


def test_the_next_start_right_after_a_kill_of_the_parent_works(
    elsewhere: Callable[[], Elsewhere],
) -> None:
    parent = elsewhere()
    before = parent.pids()
    parent.end()
    again = elsewhere()
    pids = again.pids()
    assert [is_alive(pid) for pid in pids] == [True, True]
    assert not set(pids) & set(before)
    again.end()
    assert wait_until(lambda: all_gone(pids), timeout_s=20)


def test_two_checkouts_side_by_side_do_not_meet(tmp_path: Path) -> None:
    one, two = start_postgres(tmp_path / "one"), start_postgres(tmp_path / "two")
    bell_one, bell_two = start_valkey(tmp_path / "one"), start_valkey(tmp_path / "two")
    assert one.url != two.url
    assert bell_one.url != bell_two.url
    one.stop()
    bell_one.stop()
    assert two.answers()
    assert bell_two.answers()
    two.stop()
    bell_two.stop()
    remove_sockets(tmp_path / "one")
    remove_sockets(tmp_path / "two")


def test_sockets_lie_in_a_short_folder_that_only_we_may_enter(own_valkey: Valkey) -> None:
    socket = Path(own_valkey.url.removeprefix("unix://"))
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert len(str(socket)) < 107


def test_a_socket_folder_that_others_may_enter_is_not_used_again(data_dir: Path) -> None:
    first = start_valkey(data_dir)
    first.stop()
    folder = Path(first.url.removeprefix("unix://")).parent
    folder.chmod(0o755)
    second = start_valkey(data_dir)
    assert second.url != first.url
    second.stop()
    folder.rmdir()


def test_a_very_long_data_path_is_no_matter(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    valkey = start_valkey(deep)
    assert valkey.answers()
    valkey.stop()
    remove_sockets(deep)


def test_engines_set_only_the_urls_that_are_missing(data_dir: Path) -> None:
    told = load_settings(
        {"ANSWERBACK_DATA_DIR": str(data_dir), "REDIS_URL": "redis://127.0.0.1:1/0"}
    )
    with engines(told) as running:
        assert running.redis_url == "redis://127.0.0.1:1/0"
        assert running.database_url
        assert running.database_owner_url
        assert not (data_dir / "valkey").exists()
        pid = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    assert not is_alive(pid)


def test_the_command_line_keeps_them_up_while_a_command_runs(data_dir: Path) -> None:
    program = (
        "import os, psycopg; c = psycopg.connect(os.environ['DATABASE_URL']);"
        "print(c.execute('SELECT current_user').fetchone()[0], os.environ['ANSWERBACK_ENV'])"
    )
    done = subprocess.run(
        [sys.executable, "-m", "connector.engines", sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "ANSWERBACK_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "answerback_app demo"), done.stderr
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_the_command_line_hands_on_the_exit_code(data_dir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "connector.engines", "sh", "-c", "exit 7"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "ANSWERBACK_DATA_DIR": str(data_dir)},
        check=False,
    )
    assert done.returncode == 7


def test_without_the_kernels_help_a_watcher_ends_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What macOS does, tried here: our end of a pipe closes, the watcher sends the signal."""
    monkeypatch.setattr(sys, "platform", "darwin")
    engine = Engine(
        ["/bin/sleep", "60"],
        log=tmp_path / "log",
        run_as=OURSELVES,
        on_parent_death=signal.SIGTERM,
    )
    assert is_alive(engine.pid)
    engine._close_pipe()
    engine._popen.wait(10)
    # What was waited for is the watcher: it ends when it has sent the signal.
    assert wait_until(lambda: not is_alive(engine.pid), timeout_s=10)


def test_an_engine_that_cannot_start_says_where_its_log_is(data_dir: Path) -> None:
    postgres = start_postgres(data_dir)
    postgres.stop()
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(EngineError, match=r"postgres\.log"):
        postgres.start()


def test_many_threads_may_ask_at_once(data_dir: Path) -> None:
    found: list[Valkey] = []
    threads = [
        threading.Thread(target=lambda: found.append(start_valkey(data_dir))) for _ in range(4)
    ]
    first = start_valkey(data_dir)  # by the main thread, which outlives the others
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [valkey.joined for valkey in found] == [True] * 4
    assert first.answers()
    first.stop()
