"""`entrepot manage …`: Django's own commands, with the server running where they need it."""

from __future__ import annotations

import argparse
import contextlib
import os
import warnings
from collections.abc import Sequence

from entrepot import Problem, postgres
from entrepot.cli import session

PLAIN_MIGRATE = ({"migrate"}, {"migrate", "--noinput"}, {"migrate", "--no-input"})

# They look at the code alone. Without a server they end faster, and work where none can be started.
WITHOUT_DATABASE = {
    "makemigrations",
    "check",
    "compilemessages",
    "makemessages",
    "help",
    "diffsettings",
    "version",
}


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verbs.add_parser("manage", help="Django's own commands: entrepot manage help", add_help=False)


def passthrough(arguments: Sequence[str]) -> int:
    from django.core.management import CommandError, ManagementUtility

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.settings")
    command = arguments[0] if arguments else "help"
    with contextlib.ExitStack() as stack:
        if command in WITHOUT_DATABASE or command.startswith("-"):
            warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
        else:
            stack.enter_context(postgres.running_server())
            postgres.ensure_database(postgres.database_name())
        if set(arguments) in PLAIN_MIGRATE:  # as every verb does it: rows that change have new imprints
            session.upgrade()
            session.say("The database is up to date.")
            return 0
        if command == "shell":  # what commands write there is the house's own, and not the owner's
            session.enter()
        try:
            ManagementUtility(["entrepot manage", *arguments]).execute()
        except CommandError as error:
            raise Problem(str(error)) from error
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(bool(end.code))
        if command == "migrate":
            session.grant()
    return 0
