"""What the doctor says of set-ups that are well, and of those that are not; and that it leaves them as they are."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from entrepot import cli, postgres
from entrepot.cli import doctor, session
from entrepot.cli.doctor import Finding

NEEDING_DATABASE = [check.name for check in doctor.CHECKS if check.needs_database]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that nothing was set up in."""
    folder = Path(tempfile.mkdtemp(prefix="entrepot-doctor-"))
    folder.chmod(0o711)
    monkeypatch.setenv("ENTREPOT_HOME", str(folder))
    monkeypatch.setenv("ENTREPOT_DATABASE", "entrepot")
    yield folder
    shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def findings(port: int | None = None) -> dict[str, Finding]:
    return doctor.examine("127.0.0.1", port or free_port())


def verdicts(found: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.verdict for name, finding in found.items()}


def looked(check: str, **facts: object) -> Finding:
    """One check, with some facts of the set-up replaced."""
    with doctor._looked_up("127.0.0.1", free_port()) as setup:
        given = {name: getattr(setup, name) for name in ("host", "port", "connection", "database", "clock")}
        return next(one for one in doctor.CHECKS if one.name == check).look(doctor.Setup(**given | facts))


@contextlib.contextmanager
def connected_as(verb: str) -> Iterator[None]:
    """A connection that has the name of a process."""
    with psycopg.connect(postgres.server_dsn(), application_name=session.process_name(verb)):
        yield


# ---- the whole


def test_a_house_at_rest_has_nothing_wrong_and_is_said_to_have_no_processes(committed_db) -> None:
    found = findings()

    assert {name for name, finding in found.items() if finding.verdict == "wrong"} == set()
    assert {name for name, finding in found.items() if finding.verdict == "warn"} == {
        "worker",
        "relay",
        "jobs",
    }
    assert all(finding.mend for finding in found.values() if finding.verdict != "ok")
    assert str(len(session.append_only_tables())) in found["ledgers"].found


def test_it_says_one_line_for_each_check_and_exits_with_1_where_one_is_wrong(
    committed_db, owner, capsys: pytest.CaptureFixture[str]
) -> None:
    port = str(free_port())
    assert cli.main(["doctor", "--port", port]) == 0
    before = capsys.readouterr().out.splitlines()
    owner.execute("GRANT UPDATE ON kernel_event TO entrepot_app")

    assert cli.main(["doctor", "--port", port]) == 1

    after = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in after] == [check.name for check in doctor.CHECKS]
    assert [line for line in before if line.startswith("wrong")] == []
    assert [line.split()[:2] for line in after if line.startswith("wrong")] == [["wrong", "ledgers"]]


def test_machines_get_the_same_as_json(committed_db, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json", "--port", str(free_port())]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["in_order"] is True
    assert [one["check"] for one in said["checks"]] == [check.name for check in doctor.CHECKS]
    assert set(said["checks"][0]) == {"check", "verdict", "found", "mend"}


def test_every_check_is_explained_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "ask-the-doctor.md").read_text()

    assert [check.name for check in doctor.CHECKS if f"| `{check.name}` |" not in page] == []


def test_a_font_that_is_gone_or_is_none_is_told(settings, tmp_path: Path) -> None:
    assert looked("fonts").verdict == "ok"
    none = tmp_path / "text.ttf"
    none.write_text("no font")
    settings.FONTS = [none, tmp_path / "gone.ttf"]
    found = looked("fonts")
    assert found.verdict == "warn"
    assert "gone.ttf (there is no such file)" in found.found and "text.ttf (Not a TrueType" in found.found


# ---- without a database


def test_without_a_server_it_looks_at_the_rest_starts_nothing_and_leaves_nothing_behind(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ENTREPOT_SECRET_KEY"}
    done = subprocess.run(
        [sys.executable, "-m", "entrepot", "doctor", "--json", "--port", str(free_port())],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip

    found = {one["check"]: one for one in json.loads(done.stdout)["checks"]}
    assert (done.returncode, done.stderr) == (0, "")
    assert found["database"]["verdict"] == "warn"
    assert "`entrepot up`" in found["database"]["mend"]
    assert {found[name]["verdict"] for name in NEEDING_DATABASE} == {"skip"}
    assert {one.name for one in home.iterdir()} <= {"locale"}, (
        "compiled texts, which name nobody and hold no secret"
    )


def test_a_fresh_database_is_looked_at_without_making_a_key_or_a_table(server, home, monkeypatch) -> None:
    """In a process of its own: here the settings are loaded, and with them a key."""
    monkeypatch.setenv("DATABASE_URL", f"{postgres.server_dsn('entrepot_fresh')} host={server.socket}")
    assert postgres.ensure_database("entrepot_fresh")
    monkeypatch.setenv("ENTREPOT_DATABASE", "entrepot_fresh")
    environment = {name: value for name, value in os.environ.items() if name != "ENTREPOT_SECRET_KEY"}

    done = subprocess.run(
        [sys.executable, "-m", "entrepot", "doctor", "--json", "--port", str(free_port())],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip

    found = {one["check"]: one["verdict"] for one in json.loads(done.stdout)["checks"]}
    assert (done.returncode, done.stderr) == (1, "")
    assert (found["database"], found["migrations"], found["worker"]) == ("ok", "wrong", "skip")
    assert {one.name for one in home.iterdir()} <= {"locale"}, (
        "compiled texts, which name nobody and hold no secret"
    )
    with psycopg.connect(postgres.server_dsn()) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)


def test_a_server_that_lives_and_does_not_answer_is_not_one_that_is_down(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres.Server, "_recorded_pid", lambda _self: 4711)
    monkeypatch.setattr(postgres.Server, "_is_server", lambda _self, _pid: True)

    finding = findings()["database"]

    assert finding.verdict == "wrong"
    assert "process 4711" in finding.found


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("postgresql://localhost:1/none", "does not answer"),
        ("postgresql://anna:top secret@db/x=", "can't be read"),
        ("top secret", "can't be read"),
    ],
)
def test_a_wrong_database_url_is_wrong_and_is_not_repeated(
    url: str, part: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    found = findings()

    assert found["database"].verdict == "wrong"
    assert part in found["database"].found
    assert "secret" not in str(found)
    assert {found[name].verdict for name in NEEDING_DATABASE} == {"skip"}
    assert found["programs"].verdict == "ok"


def test_a_database_that_is_not_there_is_told_from_a_server_that_is_not(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTREPOT_DATABASE", "entrepot_nowhere")

    finding = findings()["database"]

    assert finding.verdict == "wrong"
    assert "no database 'entrepot_nowhere'" in finding.found


def test_a_server_of_another_version_is_wrong(committed_db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "NEWEST_MAJOR", 17)

    assert findings()["database"].verdict == "wrong"


# ---- the machine


def test_an_old_python_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked("python").verdict == "ok"
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (4, 0))

    assert looked("python").verdict == "wrong"


def test_a_folder_that_may_not_be_written_is_wrong(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked("home").verdict == "ok"
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere

    assert looked("home").verdict == "wrong"


@pytest.mark.parametrize(("free", "verdict"), [(50, "ok"), (3, "warn"), (0.2, "wrong")])
def test_a_full_disk_is_said_before_it_is_full(
    free: float, verdict: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free * doctor.GB))

    assert looked("disk").verdict == verdict


def test_data_of_another_major_version_is_wrong(home: Path) -> None:
    fresh = looked("programs")
    data = postgres.server_folder() / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("14\n")
    old = looked("programs")
    (data / "PG_VERSION").write_text(fresh.found.split()[1].strip(";") + "\n")

    assert (fresh.verdict, old.verdict, looked("programs").verdict) == ("ok", "wrong", "ok")
    assert "written by PostgreSQL 14" in old.found
    assert "pg_dump" in old.mend


def test_programs_that_are_missing_or_broken_are_wrong(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = home / "postgres"
    broken.write_text("#!/bin/sh\necho no library >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setattr(postgres, "find_pg_bindir", lambda: home)
    assert "does not run: no library" in looked("programs").found

    monkeypatch.undo()
    monkeypatch.setattr(postgres, "_bindir_candidates", list)
    assert looked("programs").verdict == "wrong"


# ---- the port


def test_a_port_is_free_or_taken_by_a_program_that_is_named(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = findings(port)["port"]

    assert taken.verdict == "wrong"
    assert "--port" in taken.mend
    if Path("/proc/net/tcp").exists():
        assert f"process {os.getpid()}" in taken.found
    assert findings(port)["port"].verdict == "ok"


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 0), ("127.0.0.1", 99_999), ("nowhere.invalid", 8000)]
)
def test_a_place_where_nobody_can_listen_is_wrong(host: str, port: int, home: Path) -> None:
    assert doctor.examine(host, port)["port"].verdict == "wrong"


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells who listens")
@pytest.mark.parametrize(
    ("status", "of_this_house", "verdict"), [(200, True, "ok"), (503, True, "wrong"), (200, False, "wrong")]
)
def test_a_console_is_known_by_its_process_and_its_house(
    status: int, of_this_house: bool, verdict: str, home: Path
) -> None:
    program = (
        "import http.server, sys\n"
        "class Console(http.server.BaseHTTPRequestHandler):\n"
        f"    def do_GET(self): self.send_response({status}); self.end_headers()\n"
        "server = http.server.HTTPServer(('127.0.0.1', 0), Console)\n"
        "print(server.server_port, flush=True)\nserver.serve_forever()\n"
    )
    elsewhere = {} if of_this_house else {"ENTREPOT_DATABASE": "entrepot_demo"}
    console = subprocess.Popen(
        [sys.executable, "-c", program, doctor.CONSOLE],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | elsewhere,
    )  # fmt: skip
    assert console.stdout is not None
    try:
        finding = findings(int(console.stdout.readline()))["port"]
    finally:
        console.kill()
        console.wait()
        console.stdout.close()

    assert finding.verdict == verdict
    assert ("another set-up" in finding.found) is not of_this_house


# ---- the database


def test_a_migration_that_is_not_applied_or_not_known_is_wrong(committed_db, owner) -> None:
    assert findings()["migrations"].verdict == "ok"
    owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('kernel', '9999_later', now())")
    unknown = findings()["migrations"]
    owner.execute(
        "DELETE FROM django_migrations WHERE name = '9999_later' OR (app, name) = ('work', '0001_initial')"
    )
    missing = findings()["migrations"]

    assert (unknown.verdict, missing.verdict) == ("wrong", "wrong")
    assert "kernel.9999_later" in unknown.found
    assert "1 migrations are not applied: work.0001_initial" in missing.found
    assert "entrepot manage migrate" in missing.mend


def test_rights_on_ledgers_are_wrong_where_the_application_has_too_many_or_too_few(
    committed_db, owner
) -> None:
    owner.execute("GRANT DELETE ON kernel_request TO entrepot_app")
    many = findings()["ledgers"]
    session.grant()
    mended = findings()["ledgers"]
    owner.execute("REVOKE INSERT ON kernel_request FROM entrepot_app")
    few = findings()["ledgers"]
    session.grant()
    owner.execute("ALTER TABLE kernel_event DISABLE TRIGGER USER")
    owner.execute("ALTER TABLE returns_refund DISABLE TRIGGER USER")
    silent = findings()["ledgers"]

    assert (many.verdict, mended.verdict, few.verdict, silent.verdict) == ("wrong", "ok", "wrong", "wrong")
    assert "kernel_request" in many.found
    assert "kernel_event, returns_refund" in silent.found


def test_without_the_role_it_warns_that_only_triggers_guard(
    committed_db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "APP_ROLE", "entrepot_nobody")

    assert findings()["ledgers"].verdict == "warn"


def test_a_user_who_can_not_migrate_is_wrong(committed_db, owner, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.execute("CREATE ROLE doctor_guest LOGIN")
    place = f"postgresql://doctor_guest@/{postgres.database_name()}?host={postgres.socket_folder()}"
    monkeypatch.setenv("DATABASE_URL", place)
    try:
        guest = findings()
        owner.execute("GRANT CREATE ON SCHEMA public TO doctor_guest")
        maker = findings()
    finally:
        monkeypatch.delenv("DATABASE_URL")  # the fixtures go on with the suite's server
        owner.execute("DROP OWNED BY doctor_guest")
        owner.execute("DROP ROLE doctor_guest")

    assert guest["owner"].verdict == maker["owner"].verdict == "wrong"
    assert "may not make tables" in guest["owner"].found
    assert "does not own" in maker["owner"].found
    assert guest["migrations"].verdict == "wrong"
    assert "refuses to say" in guest["migrations"].found


@pytest.mark.parametrize(("seconds", "verdict"), [(0, "ok"), (-20, "warn"), (3600, "wrong")])
def test_clocks_that_differ_are_said(committed_db, seconds: int, verdict: str) -> None:
    assert looked("clock", clock=lambda: time.time() + seconds).verdict == verdict


def test_another_time_zone_is_worth_a_warning(committed_db, owner) -> None:
    name = postgres.database_name()
    owner.execute(f"ALTER DATABASE {name} SET timezone TO 'Europe/Berlin'")
    finding = findings()["zone"]
    owner.execute(f"ALTER DATABASE {name} RESET timezone")

    assert finding.verdict == "warn"
    assert "Europe/Berlin" in finding.found
    assert findings()["zone"].verdict == "ok"


# ---- the processes


def ready(owner: psycopg.Connection, queue: str, age: timedelta) -> None:
    owner.execute(
        "INSERT INTO kernel_ready (queue, subject, priority, due_at) VALUES (%s, gen_random_uuid(), 0, now() - %s)",
        [queue, age],
    )


def test_a_worker_is_alive_late_or_missing(committed_db, owner) -> None:
    ready(owner, "pick", timedelta(days=1))  # served by people: no worker takes it
    with connected_as("worker"):
        idle = findings()["worker"]
        ready(owner, "allocate", timedelta(hours=3))
        late = findings()["worker"]
    missing = findings()["worker"]

    assert (idle.verdict, late.verdict, missing.verdict) == ("ok", "warn", "wrong")
    assert "1 subjects are ready, the oldest since 3 hours" in late.found
    assert "`entrepot worker`" in missing.mend


def test_subjects_that_could_not_be_served_are_said(committed_db, owner) -> None:
    ready(owner, "allocate.failed", timedelta(0))
    with connected_as("worker"):
        assert findings()["worker"].verdict == "warn"


def message(owner: psycopg.Connection, state: str, age: timedelta) -> None:
    owner.execute(
        "INSERT INTO kernel_delivery (company_id, destination, topic, subject_id, body, created_at, state, attempts,"
        " next_try_at, last_error) VALUES (1, 'x', 'x', gen_random_uuid(), '{}', now(), %s, 0, now() - %s, '')",
        [state, age],
    )


def test_a_relay_is_alive_late_or_missing_and_dead_messages_are_said(committed_db, owner) -> None:
    message(owner, "waiting", timedelta(hours=-1))  # not due yet
    message(owner, "kept", timedelta(days=9))
    with connected_as("relay"):
        idle = findings()["relay"]
        message(owner, "dead", timedelta(0))
        dead = findings()["relay"]
        message(owner, "waiting", timedelta(days=3))
        late = findings()["relay"]
    missing = findings()["relay"]

    assert [one.verdict for one in (idle, dead, late, missing)] == ["ok", "warn", "warn", "wrong"]
    assert "given up" in dead.found
    assert "3 days" in late.found


def test_processes_of_another_database_do_not_count(committed_db) -> None:
    with psycopg.connect(postgres.server_dsn("postgres"), application_name=session.process_name("worker")):
        assert findings()["worker"].verdict == "warn"


def test_the_verbs_of_processes_say_their_names(committed_db, monkeypatch: pytest.MonkeyPatch) -> None:
    from entrepot.kernel import relay, worker

    seen = {}

    def look() -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('application_name'), current_user")
            seen[len(seen)] = cursor.fetchone()

    from django.conf import settings

    options = dict(settings.DATABASES["default"]["OPTIONS"])
    monkeypatch.setattr(worker, "run", look)
    monkeypatch.setattr(relay, "run", look)
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector

    assert (cli.main(["worker"]), cli.main(["relay"])) == (0, 0)

    settings.DATABASES["default"]["OPTIONS"] = options
    session._disconnect()
    assert seen == {0: ("entrepot worker", postgres.APP_ROLE), 1: ("entrepot relay", postgres.APP_ROLE)}


def test_jobs_have_a_heartbeat(committed_db, owner) -> None:
    none = findings()["jobs"]
    owner.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '3 hours')")
    stopped = findings()["jobs"]
    owner.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    alive = findings()["jobs"]
    finished(owner, "returns.watch", "failed", timedelta(hours=1))
    failing = findings()["jobs"]

    assert [one.verdict for one in (none, stopped, alive, failing)] == ["warn", "warn", "ok", "warn"]
    assert "3 hours" in stopped.found
    assert "returns.watch" in failing.found


def finished(owner: psycopg.Connection, task: str, how: str, age: timedelta) -> None:
    owner.execute(
        "WITH job AS (INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
        " VALUES ('default', %s, %s::text::procrastinate_job_status) RETURNING id)"
        " INSERT INTO procrastinate_events (job_id, type, at)"
        " SELECT id, %s::text::procrastinate_job_event_type, now() - %s FROM job",
        [task, how, how, age],
    )


def test_the_nightly_proof_is_recent_old_broken_off_or_never_was(committed_db, owner) -> None:
    young = findings()["proof"]
    owner.execute("UPDATE django_migrations SET applied = now() - interval '9 days'")
    never = findings()["proof"]
    finished(owner, "insight.prove", "succeeded", timedelta(days=4))
    old = findings()["proof"]
    finished(owner, "insight.prove", "succeeded", timedelta(hours=20))
    recent = findings()["proof"]
    finished(owner, "insight.prove", "failed", timedelta(hours=1))
    broken = findings()["proof"]

    found = [one.verdict for one in (young, never, old, recent, broken)]
    assert found == ["ok", "warn", "warn", "ok", "wrong"]
    assert "4 days old" in old.found


def test_keys_that_end_soon_are_told_until_another_follows(committed_db, owner) -> None:
    owner.execute(
        "INSERT INTO auth_user (id, username, password, is_superuser, first_name, last_name, email, is_staff,"
        " is_active, date_joined) VALUES (4711, 'storefront', '', false, '', '', '', false, true, now())"
    )
    none = findings()["keys"]
    key = (
        "INSERT INTO access_apikey (id, name, prefix, digest, user_id, created_at, expires_at, follows_id)"
        " SELECT gen_random_uuid(), 'shop', %s, '', 4711, now() - interval '30 days', now() + %s, max(id::text)::uuid"
        " FROM access_apikey"
    )
    owner.execute(key, ["aaaaaaaaaaaa", timedelta(days=13)])
    ends = findings()["keys"]
    owner.execute("UPDATE access_apikey SET expires_at = now() - interval '1 hour'")
    ended = findings()["keys"]
    owner.execute(key, ["bbbbbbbbbbbb", timedelta(days=300)])
    followed = findings()["keys"]

    assert [one.verdict for one in (none, ends, ended, followed)] == ["ok", "warn", "warn", "ok"]
    assert "shop (aaaaaaaaaaaa) ends" in ends.found and "ended" in ended.found
    assert "1 in force" in followed.found, "the other has ended"


def test_a_sum_that_is_not_in_order_is_wrong_until_its_item_is_done(committed_db, owner) -> None:
    owner.execute(
        "INSERT INTO work_item (id, company_id, type, subject_kind, subject_id, reason, facts, role, owner, priority,"
        " state, dedupe, opened_at, due_at, root_cause, ranked_at) VALUES (gen_random_uuid(), 1, 'discrepancy',"
        " 'house', gen_random_uuid(), 'off', '{}', 'controller', '', 95, 'open', 'x', now(), now(), '', now())"
    )
    amiss = findings()["proof"]
    owner.execute("UPDATE work_item SET state = 'done', closed_at = now()")

    done = findings()["proof"]
    owner.execute("DELETE FROM work_item")  # no command made it, so it has no events

    assert (amiss.verdict, done.verdict) == ("wrong", "ok")
