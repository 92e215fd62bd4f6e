"""Opening the house for a verb: server up, database in step, Django set up, rights lowered."""

from __future__ import annotations

import argparse
import contextlib
import gc
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import psycopg

from entrepot import Problem, postgres
from entrepot.progress import Progress

if TYPE_CHECKING:
    from django.db.migrations import Migration

    from entrepot.kernel.cause import Cause

MIGRATION_LOCK = (
    4_711_001  # an advisory lock's number: two processes that begin together migrate one after the other
)


def add_database_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", metavar="NAME", help="name of the database (default: entrepot)")


@contextlib.contextmanager
def opened(
    database: str | None = None, *, migrates: bool = True, process: str = ""
) -> Iterator[postgres.Server | None]:
    """Inside this block commands and queries can be called.

    With `migrates`, the database is made and brought up to date first; without, one that isn't is refused.
    A long-lived `process` says its name to the server, so that the doctor sees that it lives.
    Answers the server where this process is the one that runs it.
    """
    if database:
        os.environ["ENTREPOT_DATABASE"] = database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.settings")
    with postgres.running_server() as server:
        if migrates:
            postgres.ensure_database(postgres.database_name())
        _set_up_django()
        if migrates:
            migrate()
        else:
            _refuse_unmigrated()
        lower_role()
        if migrates:
            _sync_roles()
        if process:
            _name_connections(process)
        yield server


def migrate() -> None:
    """Bring tables and rights up to date, as the owner. Does nothing where they are; one that died is gone on with."""
    from django.core.management import call_command

    from entrepot.kernel import imprint, upgrading

    with psycopg.connect(postgres.server_dsn(), autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        missing = _missing_migrations()
        if missing or imprint.upgrading():
            with Progress("Setting up the database", total=len(missing), unit="steps") as bar:
                imprint.before_upgrade(upgrading.touched(missing))
                call_command("migrate", interactive=False, stdout=_StepCounter(bar))
                imprint.after_upgrade()
        grant()
    _disconnect()


def upgrade() -> None:
    """What `opened` does first, by itself."""
    _set_up_django()
    migrate()


def grant() -> None:
    postgres.grant_rights(postgres.server_dsn(), append_only_tables())


def append_only_tables() -> list[str]:
    """The tables of every model that says `append_only = True`."""
    from django.apps import apps

    return [model._meta.db_table for model in apps.get_models() if getattr(model, "append_only", False)]


def lower_role() -> None:
    """From here on this process and its children have the application's rights, where the role exists."""
    from django.conf import settings

    with psycopg.connect(postgres.server_dsn()) as connection:
        found = connection.execute(
            "SELECT has_table_privilege(rolname, 'django_migrations', 'SELECT')"
            " AND pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = %s",
            [postgres.APP_ROLE],
        ).fetchone()
    if found and found[0]:
        os.environ["ENTREPOT_DB_ROLE"] = postgres.APP_ROLE
    settings.DATABASES["default"].update(postgres.django_database())
    _disconnect()


def enter() -> None:
    """Have Django ready, with the application's rights where tables and rights are set up."""
    _set_up_django()
    with contextlib.suppress(psycopg.errors.UndefinedTable):  # nothing is set up yet
        lower_role()


def process_name(verb: str) -> str:
    """How the process of a verb is called in the server's pg_stat_activity."""
    return f"entrepot {verb}"


def _name_connections(verb: str) -> None:
    from django.conf import settings

    options = settings.DATABASES["default"]["OPTIONS"]
    assert isinstance(options, dict)
    options["application_name"] = process_name(verb)
    _disconnect()


def _sync_roles() -> None:
    """Roles and their permissions as the code has them; writes only where they differ."""
    from django.utils import timezone

    from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
    from entrepot.kernel.cause import Actor, Cause

    sync_roles(Cause(Actor("system:setup", everything=True), timezone.now()), requests=[SyncRoles()])


def _set_up_django() -> None:
    import django

    django.setup()
    # Commands make many small, short-lived, acyclic objects: with the usual thresholds a third of a batch's time goes
    # into looking for cycles among them.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _missing_migrations() -> list[Migration]:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return [one for one, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def _refuse_unmigrated() -> None:
    from django.db.utils import OperationalError

    name = postgres.database_name()
    try:
        missing = _missing_migrations()
    except OperationalError as error:
        raise Problem(f"There is no database {name!r} yet: `entrepot up` makes it.") from error
    if missing:
        raise Problem(
            f"The database {name!r} lacks {len(missing)} migrations: run `entrepot manage migrate`."
        )


def _disconnect() -> None:
    from django.db import connections

    connections.close_all()


class _StepCounter:
    """Takes what `migrate` prints and moves the bar by a step for each migration applied."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar

    def write(self, text: str) -> int:
        self._bar.advance(text.count("Applying "))
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


AT_ONCE = 500
"""Rows of a page, and requests of a transaction."""


def at_terminal(verb: str) -> Cause:
    """Whoever sits at the terminal of the house gives a command: under which name of the machine is written down."""
    from django.utils import timezone

    from entrepot.kernel.cause import Actor, Cause

    who = Actor(f"system:{verb}", everything=True)
    return Cause(who, timezone.now(), f"by {getpass.getuser()} in a terminal")


def given(verb: str, command: Callable[..., list[Any]], wanted: object) -> Any:
    """The answer of a command that whoever sits at the terminal gives; a refusal ends the verb."""
    from entrepot.kernel.errors import Refused

    (answer,) = command(at_terminal(verb), requests=[wanted])
    if isinstance(answer, Refused):
        raise Problem(answer.message)
    return answer


def given_each(
    verb: str,
    command: Callable[..., list[Any]],
    wanted: Sequence[tuple[str, object]],
    told: Callable[[str, Any], str],
) -> int:
    """Give a command what is wanted, each with its name, so many in one transaction: says what became of each, and what
    is refused among the errors. The exit code: 2 where something is."""
    from entrepot.kernel.errors import Refused

    code = 0
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        answers = command(at_terminal(verb), requests=[one for _, one in some])
        for (name, _), answer in zip(some, answers, strict=True):
            if isinstance(answer, Refused):
                complain(f"{name}: {answer.message}")
                code = 2
            else:
                say(told(name, answer))
    return code


def complain(text: str) -> None:
    sys.stderr.write(f"entrepot: {text}\n")


def add_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=_from_one, metavar="N", help="so many at most; without it all")


def _from_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text}")
    return int(text)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def company_of(code: str | None) -> tuple[int, str]:
    """The id and code of the company that an option names, or of the only one."""
    from entrepot.parties import queries as parties

    companies = {one.code: one.id for one in parties.companies()}
    which = code or next(iter(companies), "")
    if which not in companies or (code is None and len(companies) > 1):
        raise Problem(f"Name the company with --company: {', '.join(companies) or 'there is none yet'}.")
    return companies[which], which
