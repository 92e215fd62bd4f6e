"""`entrepot doctor`: what is wrong with a set-up, and how to mend it. It looks, and changes and starts nothing."""

from __future__ import annotations

import argparse
import contextlib
import errno
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from entrepot import Problem, postgres
from entrepot.cli.session import add_database_option, append_only_tables, process_name, say

OLDEST_PYTHON = (3, 11)
GB = 1_000_000_000
DISK_WARN, DISK_WRONG = 5 * GB, 1 * GB  # the server's log of changes alone may grow to max_wal_size, 2 GB
CLOCK_WARN_S, CLOCK_WRONG_S = 2.0, 60.0
LATE = timedelta(minutes=15)
HEARTBEAT_LATE = timedelta(minutes=1)  # procrastinate's workers write one every 10 seconds
PROOF_LATE = timedelta(hours=36)  # it is due every night
KEY_ENDS = timedelta(days=14)
ANSWER_S = 5.0
UTC_NAMES = {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Zulu", "Etc/Zulu", "Universal", "UCT"}
CONSOLE = "entrepot.web.wsgi:application"  # stands in the command line that the supervisor gives its child


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. The verdict is `ok`, `warn`, `wrong`, or `skip` where it could not look."""

    verdict: str
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the checks look at. Without a connection, `database` says why."""

    host: str
    port: int
    connection: psycopg.Connection | None
    database: Finding
    clock: Callable[[], float] = time.time

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one statement, in a read-only transaction of its own."""
        assert self.connection is not None, "only a check that needs the database asks it"
        with self.connection.transaction():
            return self.connection.execute(statement, values).fetchall()


@dataclass(frozen=True, slots=True)
class Check:
    """A line of the table: what is looked at, and whether the database must answer for it."""

    name: str
    look: Callable[[Setup], Finding]
    needs_database: bool = False


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "doctor", help="say what is wrong with this set-up and how to mend it; changes nothing"
    )
    parser.add_argument("--host", default="127.0.0.1", help="where the console is or shall be served")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--json", action="store_true", help="for machines")
    add_database_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit code is 1 where anything is wrong; what is only worth a look does not count."""
    if arguments.database:
        os.environ["ENTREPOT_DATABASE"] = arguments.database
    found = examine(arguments.host, arguments.port)
    is_in_order = all(finding.verdict != "wrong" for finding in found.values())
    if arguments.json:
        checks = [{"check": name, **asdict(finding)} for name, finding in found.items()]
        say(json.dumps({"in_order": is_in_order, "checks": checks}, indent=2))
    else:
        for name, finding in found.items():
            say(f"{finding.verdict:<6}{name:<12}{' '.join(filter(None, (finding.found, finding.mend)))}")
    return 0 if is_in_order else 1


def examine(host: str, port: int) -> dict[str, Finding]:
    """Every check's finding, in the order of the table."""
    with _looked_up(host, port) as setup:
        if setup.connection is not None:
            _set_up_django()
        return {check.name: _look(check, setup) for check in CHECKS}


def _set_up_django() -> None:
    """Without leaving anything behind: a secret key that is not given would be made and written to the home folder."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.settings")
    if not os.environ.get("ENTREPOT_SECRET_KEY"):
        os.environ.update({"ENTREPOT_SECRET_KEY": "the doctor signs nothing"})
    django.setup()


def _look(check: Check, setup: Setup) -> Finding:
    if check.needs_database and setup.connection is None:
        return Finding("skip", "The database does not answer.", "See the line `database`.")
    try:
        return check.look(setup)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        return Finding("skip", "The tables that this reads are not there yet.", "See the line `migrations`.")
    except psycopg.Error as error:
        return Finding("wrong", f"The database refuses to say: {_sentence(error)}", "See the line `owner`.")


def _sentence(error: Exception) -> str:
    """An error's last line: with several addresses libpq has a line for each."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[-1].strip().rstrip('.')}."


def _size(count: int) -> str:
    return f"{count / GB:,.1f} GB"


def _ago(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 120:
        return f"{max(minutes, 0)} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


# ---- the connection


@contextlib.contextmanager
def _looked_up(host: str, port: int) -> Iterator[Setup]:
    connection, finding = _connect()
    try:
        yield Setup(host, port, connection, finding)
    finally:
        if connection is not None:
            connection.close()


def _connect() -> tuple[psycopg.Connection | None, Finding]:
    """The database in use, or None and why. Unlike `running_server` it starts nothing and makes no folder."""
    try:
        connection = _opened(postgres.server_dsn())
    except Problem:
        # Not the parser's words: they may hold a part of the password, and this text gets pasted into reports.
        return None, Finding(
            "wrong",
            "DATABASE_URL can't be read.",
            "Write it as postgresql://user:password@host:5432/name, special signs of the password as %40 and so on.",
        )
    except psycopg.OperationalError as error:
        return None, _unreachable(error)
    version = connection.info.server_version
    what = f"PostgreSQL {version // 10000}.{version % 10000}, {_where()}"
    if not postgres.OLDEST_MAJOR <= version // 10000 <= postgres.NEWEST_MAJOR:
        return connection, Finding(
            "wrong",
            f"{what}, is none that Entrepot runs on.",
            f"Use a server of version {postgres.OLDEST_MAJOR} to {postgres.NEWEST_MAJOR}.",
        )
    return connection, Finding("ok", f"{what}, answers.")


def _opened(dsn: str) -> psycopg.Connection:
    connection = psycopg.connect(
        dsn, connect_timeout=int(ANSWER_S), application_name=process_name("doctor"), autocommit=True
    )
    connection.read_only = True
    connection.execute("SET statement_timeout = '20s'")
    return connection


def _where() -> str:
    kind = "embedded" if postgres.is_embedded() else "of DATABASE_URL"
    return f"{kind}, database {postgres.database_name()!r}"


def _unreachable(error: psycopg.OperationalError) -> Finding:
    """Why there is no connection: no server, or no such database on it."""
    name = postgres.database_name()
    with contextlib.suppress(psycopg.OperationalError), _opened(postgres.server_dsn("postgres")) as server:
        is_there = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not is_there:
            return Finding(
                "wrong",
                f"The server answers, and has no database {name!r}.",
                "Make it with `entrepot up`, or name another with --database or DATABASE_URL.",
            )
    if not postgres.is_embedded():
        return Finding(
            "wrong",
            f"The server of DATABASE_URL does not answer: {_sentence(error)}",
            "Start that server, or correct host, port, user, password or name in DATABASE_URL.",
        )
    server_of_ours = postgres.Server(postgres.server_folder(), postgres.socket_folder())
    pid = server_of_ours._recorded_pid()
    if pid is not None and server_of_ours._is_server(pid):
        return Finding(
            "wrong",
            f"The embedded server runs as process {pid} and does not answer: {_sentence(error)}",
            f"After a crash it recovers first: wait, then look at the end of {server_of_ours.log}.",
        )
    return Finding(
        "warn", "The embedded server is not running.", "`entrepot up` starts it; then ask the doctor again."
    )


# ---- the machine


def python(_setup: Setup) -> Finding:
    """Whether this Python is one that the package is made for."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Finding(
            "wrong",
            f"Python {version} is too old.",
            f"Install {oldest} or later, remove .venv, and run make again.",
        )
    return Finding("ok", f"Python {version}.")


def home(_setup: Setup) -> Finding:
    """Whether the folder of this installation is there and can be written."""
    folder = postgres.home()
    if not os.access(_existing(folder), os.W_OK | os.X_OK):
        return Finding(
            "wrong",
            f"This user may not write in {_existing(folder)}.",
            "Run as the user who owns it, or set ENTREPOT_HOME to a folder of yours.",
        )
    return Finding("ok", f"{folder}{'' if folder.exists() else ' (will be made)'}.")


def disk(_setup: Setup) -> Finding:
    """Free space where the data grows: the embedded server's folder, or only the files' where the server is given."""
    folder = postgres.server_folder() if postgres.is_embedded() else postgres.home()
    free = shutil.disk_usage(_existing(folder)).free
    unseen = (
        "" if postgres.is_embedded() else " The disk of the server in DATABASE_URL can't be seen from here."
    )
    found = f"{_size(free)} free for {folder}.{unseen}"
    if free < DISK_WARN:
        verdict = "wrong" if free < DISK_WRONG else "warn"
        return Finding(
            verdict,
            found,
            f"Free some, or move the folder to a larger disk: {_size(DISK_WARN)} is a good reserve.",
        )
    return Finding("ok", found)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(at for at in (folder, *folder.parents) if at.exists())


def programs(_setup: Setup) -> Finding:
    """Whether the embedded server's programs are there, and can read the data that is there."""
    if not postgres.is_embedded():
        return Finding("ok", "None are needed: the server is given in DATABASE_URL.")
    try:
        folder = postgres.find_pg_bindir()
    except Problem as problem:
        return Finding("wrong", str(problem), "Run make again, which installs what requirements.txt names.")
    # Called here and not through `Server`, which may copy the programs to where an unprivileged user can run them.
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True)
    said = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if said is None:
        why = (answer.stderr or answer.stdout).strip() or f"exit code {answer.returncode}"
        return Finding(
            "wrong", f"{folder / 'postgres'} does not run: {why}.", "Remove .venv and run make again."
        )
    marker = postgres.server_folder() / "postgres" / "PG_VERSION"
    try:
        written = marker.read_text().strip()
    except FileNotFoundError:
        return Finding("ok", f"PostgreSQL {said[1]}; no data yet.")
    except PermissionError:
        return Finding("wrong", f"{marker} can't be read.", "Run as the user who owns the data.")
    if written != said[1]:
        return Finding(
            "wrong",
            f"The data in {marker.parent} was written by PostgreSQL {written}, and the programs are {said[1]}.",
            f"Bring it over with pg_dump and pg_restore of {written}, or set ENTREPOT_HOME to start afresh.",
        )
    return Finding("ok", f"PostgreSQL {said[1]}, as the data.")


# ---- the port


def port(setup: Setup) -> Finding:
    """Whether the console's port is free, served by our own console, or taken by another program."""
    place = f"{setup.host}:{setup.port}"
    if not 0 < setup.port < 65_536:
        return Finding("wrong", f"There is no port {setup.port}.", "Choose one from 1024 to 65535.")
    try:
        family, kind, proto, _, address = socket.getaddrinfo(setup.host, setup.port, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _taken(setup)
        return Finding("wrong", f"{place} can't be listened on: {error}.", "Choose another --host or --port.")
    return Finding("ok", f"{place} is free.")


def _taken(setup: Setup) -> Finding:
    place = f"{setup.host}:{setup.port}"
    holders = _holders(setup.port)
    consoles = [pid for pid, command in holders.items() if CONSOLE in command]
    if any(_is_of_this_house(pid) for pid in consoles):
        return _console(setup)
    if consoles:
        who = f"the console of another set-up of Entrepot (process {min(consoles)})"
    else:
        who = ", ".join(f"{command.split()[0]} (process {pid})" for pid, command in sorted(holders.items()))
    return Finding(
        "wrong",
        f"{place} is taken by {who or 'another program'}.",
        "End that, or choose another port: `entrepot up --port …`.",
    )


def _is_of_this_house(pid: int) -> bool:
    """Whether a process was started for the same home and database as we; where that can't be read, it was."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return True
    return _house(dict(pair.split("=", 1) for pair in raw.split("\0") if "=" in pair)) == _house(os.environ)


def _house(environment: Mapping[str, str]) -> list[str]:
    url = environment.get("DATABASE_URL", "")
    database = environment.get("ENTREPOT_DATABASE") or ("" if url else "entrepot")
    homes = [environment.get(name, "") for name in ("ENTREPOT_HOME", "XDG_DATA_HOME", "HOME")]
    return [url, database, next(filter(None, homes), "")]


def _console(setup: Setup) -> Finding:
    """What a console of ours says of itself. Only a failure of its own counts: a redirect to TLS is an answer, too."""
    place = f"{setup.host}:{setup.port}"
    asked = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(setup.host, setup.host)  # noqa: S104 - nothing is bound
    connection = http.client.HTTPConnection(asked, setup.port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Finding(
            "wrong", f"The console at {place} does not answer: {error}.", "End `entrepot up`; start it again."
        )
    finally:
        connection.close()
    if status >= 500:
        return Finding(
            "wrong", f"The console at {place} can't ask the database.", "See what `entrepot up` prints."
        )
    return Finding("ok", f"{place} is served by a console of Entrepot.")


def _holders(number: int) -> dict[int, str]:
    """Command lines of the processes that listen on a port, by process id; {} where this system doesn't tell."""
    sockets = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == number:  # listening
                    sockets.add(f"socket:[{fields[9]}]")
    found = {}
    for process in Path("/proc").glob("[0-9]*") if sockets else ():
        with contextlib.suppress(OSError):
            if any(_target(one) in sockets for one in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[int(process.name)] = command.strip() or "a program without a name"
    return found


def _target(link: Path) -> str:
    with contextlib.suppress(OSError):  # closed meanwhile
        return str(link.readlink())
    return ""


# ---- the database


def migrations(setup: Setup) -> Finding:
    """Whether the tables are those of this code. Reads the files and the table: Django's own look needs a connection
    that may write."""
    from django.db.migrations.loader import MigrationLoader

    if setup.ask("SELECT to_regclass('django_migrations')") == [(None,)]:
        return Finding("wrong", "The database has no tables yet.", "Run `entrepot manage migrate`.")
    applied = set(setup.ask("SELECT app, name FROM django_migrations"))
    loader = MigrationLoader(None, ignore_no_migrations=True)
    missing = sorted(
        f"{app}.{name}"
        for (app, name), one in loader.graph.nodes.items()
        if (app, name) not in applied and not (one.replaces and set(one.replaces) <= applied)
    )
    if missing:
        listed = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        return Finding(
            "wrong", f"{len(missing)} migrations are not applied: {listed}.", "Run `entrepot manage migrate`."
        )
    unknown = [key for key in applied - set(loader.disk_migrations) if key[0] in loader.migrated_apps]
    if unknown:
        return Finding(
            "wrong",
            f"The database has {len(unknown)} migrations that this code does not know, like {'.'.join(min(unknown))}.",
            "It was used by a newer Entrepot: install that version.",
        )
    return Finding("ok", f"All {len(loader.graph.nodes)} are applied.")


def owner(setup: Setup) -> Finding:
    """Whether the user of the connection can migrate: make tables, and change those that are there."""
    ((user, may_create, strange),) = setup.ask(
        "SELECT current_user::text, has_schema_privilege('public', 'CREATE'), (SELECT count(*) FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v')"
        " AND NOT pg_has_role(relowner, 'USAGE'))"
    )
    if not may_create:
        return Finding(
            "wrong",
            f"{user} may not make tables in the schema public.",
            f"As an administrator: GRANT CREATE ON SCHEMA public TO {user}, or make it the database's owner.",
        )
    if strange:
        return Finding(
            "wrong",
            f"{user} does not own {strange} tables of this database, and can't migrate them.",
            f"Connect as their owner, or as an administrator: REASSIGN OWNED BY the other TO {user}.",
        )
    return Finding("ok", f"{user} can migrate.")


def ledgers(setup: Setup) -> Finding:
    """Whether ledgers and logs are guarded: the application may add to them, and not change or delete."""
    role = postgres.APP_ROLE
    if setup.ask("SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = %s", role) != [(True,)]:
        return Finding(
            "warn",
            f"No role {role} that this user may take: only triggers guard the ledgers.",
            f"As an administrator: CREATE ROLE {role} NOLOGIN; GRANT {role} TO it. Then `entrepot manage migrate`.",
        )
    tables = append_only_tables()
    found = setup.ask(_RIGHTS, role, role, role, tables)
    if open_ones := [table for table, may_change, _ in found if may_change]:
        return Finding(
            "wrong",
            f"{role} may change or delete rows of {', '.join(open_ones)}.",
            "`entrepot manage migrate` sets the rights again; look who gave others.",
        )
    if closed := [table for table, _, may_add in found if not may_add]:
        return Finding(
            "wrong",
            f"{role} may not read {', '.join(closed)} and add to them.",
            "`entrepot manage migrate` sets the rights again.",
        )
    if silent := [table for (table,) in setup.ask(_SILENT)]:
        return Finding(
            "wrong",
            f"Triggers are disabled that guard {', '.join(silent)}.",
            "As the owner: ALTER TABLE … ENABLE TRIGGER ALL; then `entrepot verify`.",
        )
    return Finding("ok", f"{role} may add to {len(found)} ledgers and logs, and not change them.")


_RIGHTS = """
SELECT relname::text, has_table_privilege(%s, oid, 'UPDATE, DELETE, TRUNCATE'),
       has_table_privilege(%s, oid, 'SELECT') AND has_table_privilege(%s, oid, 'INSERT')
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%s) ORDER BY 1
"""

_SILENT = """
SELECT DISTINCT relname::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal AND tgenabled = 'D' ORDER BY 1
"""


def clock(setup: Setup) -> Finding:
    """How far this machine's clock is from the server's, give or take the way there."""
    before = setup.clock()
    ((there,),) = setup.ask("SELECT extract(epoch FROM clock_timestamp())::float8")
    after = setup.clock()
    apart = max(abs(there - (before + after) / 2) - (after - before) / 2, 0.0)
    if apart > CLOCK_WARN_S:
        return Finding(
            "wrong" if apart > CLOCK_WRONG_S else "warn",
            f"The clocks of this machine and of the database's are {apart:,.0f} s apart.",
            "Switch time synchronization on, on both (timedatectl set-ntp true).",
        )
    return Finding("ok", f"{apart:.1f} s from the database's.")


def zone(setup: Setup) -> Finding:
    """Entrepot's own connections use UTC; what people ask the server by hand has the server's days."""
    ((name,),) = setup.ask("SELECT current_setting('TimeZone')")
    here = time.strftime("%Z")
    if name not in UTC_NAMES:
        return Finding(
            "warn",
            f"The database's time zone is {name} (this machine's is {here}): what is asked of it by hand has"
            " other days than the console.",
            f"ALTER DATABASE \"{postgres.database_name()}\" SET timezone TO 'UTC'.",
        )
    return Finding("ok", f"{name} in the database, {here} on this machine.")


# ---- the processes


def worker(setup: Setup) -> Finding:
    """Whether somebody takes what is ready. A worker keeps its connection, so it is seen from every machine."""
    from entrepot.kernel.worker import queues

    served = list(queues())
    ((waiting, age),) = setup.ask(
        "SELECT count(*), now() - min(due_at) FROM kernel_ready WHERE queue = ANY(%s)", served
    )
    ((failed,),) = setup.ask(
        "SELECT count(*) FROM kernel_ready WHERE queue = ANY(%s)", [f"{queue}.failed" for queue in served]
    )
    finding = _process(setup, "worker", waiting, age, "subjects are ready")
    if failed and finding.verdict == "ok":
        return Finding(
            "warn",
            f"{failed} subjects could not be served, and stand in the queues *.failed of kernel_ready.",
            "The worker's output has the trace of each: it is a bug, to be reported.",
        )
    ((marks,),) = setup.ask(
        "SELECT count(*) FROM (SELECT FROM stock_unpublished LIMIT %s) AS mark", MARKS_MAX + 1
    )
    if marks > MARKS_MAX and finding.verdict == "ok":
        return Finding(
            "warn",
            f"More than {MARKS_MAX:,} changes of stock are not published to channels yet.",
            "After an import that is so for some minutes; else the worker's output says why its sweep fails.",
        )
    return finding


MARKS_MAX = 100_000
"""Marks of stock that may wait before somebody should look why."""


def relay(setup: Setup) -> Finding:
    """Whether somebody sends what is due, and whether messages were given up."""
    ((waiting, age),) = setup.ask(
        "SELECT count(*), now() - min(next_try_at) FROM kernel_delivery"
        " WHERE state = 'waiting' AND next_try_at <= now()"
    )
    finding = _process(setup, "relay", waiting, age, "messages are due")
    if finding.verdict == "ok":
        ((dead,),) = setup.ask("SELECT count(*) FROM kernel_delivery WHERE state = 'dead'")
        if dead:
            return Finding(
                "warn",
                f"{dead} messages were given up after all their attempts.",
                "kernel_delivery.last_error says why, of those with the state dead.",
            )
    return finding


def _process(setup: Setup, verb: str, waiting: int, age: timedelta | None, what: str) -> Finding:
    ((count,),) = setup.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
        process_name(verb),
    )
    late = age is not None and age > LATE
    found = f"{waiting:,} {what}" + (f", the oldest since {_ago(age)}." if age and late else ".")
    if not count:
        return Finding(
            "wrong" if waiting else "warn",
            f"No {verb} is connected to this database; {found}",
            f"`entrepot up` runs one, or `entrepot {verb}` alone.",
        )
    if late:
        return Finding(
            "warn",
            f"{count} connected; {found}",
            f"After a large import that passes; else see the {verb}'s output.",
        )
    return Finding("ok", f"{count} connected; {found}")


def jobs(setup: Setup) -> Finding:
    """Whether timed jobs are run: their workers write a heartbeat."""
    ((age,),) = setup.ask("SELECT now() - max(last_heartbeat) FROM procrastinate_workers")
    if age is None or age > HEARTBEAT_LATE:
        return Finding(
            "warn",
            "No process for timed jobs is running" + (f", since {_ago(age)}." if age else "."),
            "`entrepot up` runs one, or `entrepot manage procrastinate worker` alone.",
        )
    failed = setup.ask(
        "SELECT DISTINCT job.task_name FROM procrastinate_events AS event"
        " JOIN procrastinate_jobs AS job ON job.id = event.job_id"
        " WHERE event.type = 'failed' AND event.at > now() - interval '1 day' ORDER BY 1"
    )
    if failed:
        return Finding(
            "warn",
            f"Jobs failed since yesterday: {', '.join(name for (name,) in failed)}.",
            "The jobs' output in `entrepot up` has their traces.",
        )
    return Finding("ok", f"The last heartbeat is {age.total_seconds():.0f} s old.")


def proof(setup: Setup) -> Finding:
    """Whether the nightly proof ran, and what it found that nobody has dealt with."""
    ((amiss,),) = setup.ask("SELECT count(*) FROM work_item WHERE type = 'discrepancy' AND state <> 'done'")
    if amiss:
        return Finding(
            "wrong",
            f"{amiss} sums were not in order.",
            "The work items of the controller name them; `entrepot verify`.",
        )
    last = setup.ask(
        "SELECT now() - event.at, event.type::text FROM procrastinate_jobs AS job"
        " JOIN procrastinate_events AS event ON event.job_id = job.id"
        " WHERE job.task_name = 'insight.prove' AND event.type IN ('succeeded', 'failed')"
        " ORDER BY event.at DESC LIMIT 1"
    )
    mend = "`entrepot verify` proves it now; the jobs must run at 02:15 UTC."
    if not last:
        ((house,),) = setup.ask("SELECT now() - min(applied) FROM django_migrations")
        if house is None or house < PROOF_LATE:
            return Finding("ok", "None yet: this database is younger than a night.")
        return Finding("warn", f"No nightly proof in the {_ago(house)} of this database.", mend)
    age, outcome = last[0]
    if outcome == "failed":
        return Finding(
            "wrong", f"The last nightly proof broke off {_ago(age)} ago.", "`entrepot verify` says why."
        )
    if age > PROOF_LATE:
        return Finding("warn", f"The last nightly proof is {_ago(age)} old.", mend)
    return Finding("ok", f"The last one was {_ago(age)} ago, and no sum is open.")


def keys(setup: Setup) -> Finding:
    """Whether programs will go on being let in: API keys that have ended, or end soon, and that no other follows."""
    rows = setup.ask(
        "SELECT k.name, k.prefix, k.expires_at <= now(), to_char(k.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        " FROM access_apikey AS k JOIN auth_user AS person ON person.id = k.user_id AND person.is_active"
        " WHERE k.revoked_at IS NULL AND k.expires_at <= now() + %s::interval AND NOT EXISTS"
        " (SELECT FROM access_apikey AS next WHERE next.follows_id = k.id AND next.revoked_at IS NULL)"
        " ORDER BY k.expires_at, k.prefix LIMIT 6",
        KEY_ENDS,
    )
    if rows:
        told = ", ".join(
            f"{name} ({prefix}) {'ended' if over else 'ends'} {day}" for name, prefix, over, day in rows[:5]
        )
        more = ", and more" if len(rows) > 5 else ""
        return Finding(
            "warn",
            f"API keys: {told}{more}.",
            "Rotate or revoke them under Policies → People, on the page of their person.",
        )
    ((count, endless),) = setup.ask(
        "SELECT count(*), count(*) FILTER (WHERE expires_at IS NULL)"
        " FROM access_apikey AS k JOIN auth_user AS person ON person.id = k.user_id AND person.is_active"
        " WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
    )
    return Finding("ok", f"{count} in force, {endless} of them without an end; none ends soon.")


def fonts(_setup: Setup) -> Finding:
    """Whether the fonts of this machine that papers shall have can be read: papers are made without the others."""
    from django.conf import settings

    from entrepot.web import letters

    faults = [
        f"{path} ({'there is no such file' if not path.is_file() else why})"
        for path in settings.FONTS
        if not path.is_file() or (why := letters.fault(path))
    ]
    if faults:
        return Finding(
            "warn",
            f"ENTREPOT_FONTS names what is no font: {'; '.join(faults)}.",
            "Mend the path or the file (.ttf or .otf), or leave it out. Papers are made without it.",
        )
    return Finding("ok", f"{len(settings.FONTS)} of this machine, beside those of papers.")


CHECKS: Sequence[Check] = (
    Check("python", python),
    Check("home", home),
    Check("disk", disk),
    Check("programs", programs),
    Check("port", port),
    Check("database", lambda setup: setup.database),
    Check("migrations", migrations, needs_database=True),
    Check("owner", owner, needs_database=True),
    Check("ledgers", ledgers, needs_database=True),
    Check("clock", clock, needs_database=True),
    Check("zone", zone, needs_database=True),
    Check("worker", worker, needs_database=True),
    Check("relay", relay, needs_database=True),
    Check("jobs", jobs, needs_database=True),
    Check("proof", proof, needs_database=True),
    Check("keys", keys, needs_database=True),
    Check("fonts", fonts, needs_database=True),  # its settings name the database
)
