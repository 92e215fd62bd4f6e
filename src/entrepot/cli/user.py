"""`entrepot user`: the people who may enter, and their roles: groups that the room `access` defines."""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys
from typing import TYPE_CHECKING

from entrepot import Problem
from entrepot.cli.session import add_database_option, given, opened, say

if TYPE_CHECKING:
    from django.contrib.auth.models import User  # needs Django set up, which a verb does when it runs


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("user", help="people and their roles")
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    add = actions.add_parser(
        "add", help="let a person in; the password is made and shown unless given on standard input"
    )
    add.add_argument("name")
    add.add_argument("--role", action="append", default=[], metavar="ROLE", help="may be given several times")
    add.add_argument(
        "--accept", action="append", default=[], metavar="PAIR",
        help="a pair of duties of which they shall have both sides all the same; may be given several times",
    )  # fmt: skip
    add.add_argument("--superuser", action="store_true")
    add.add_argument("--email", default="")
    add.set_defaults(run=run_add)

    listing = actions.add_parser("list", help="everybody, with roles")
    listing.set_defaults(run=run_list)

    password = actions.add_parser(
        "password", help="set a new password, asked for or read from standard input"
    )
    password.add_argument("name")
    password.set_defaults(run=run_password)

    factor = actions.add_parser("factor", help="take the second factor of somebody away who lost it")
    factor.add_argument("name")
    factor.set_defaults(run=run_factor)

    for action in (add, listing, password, factor):
        add_database_option(action)


def run_add(arguments: argparse.Namespace) -> int:
    with opened(arguments.database):
        from django.contrib.auth.models import Group, User

        known = set(Group.objects.values_list("name", flat=True))
        for role in arguments.role:
            if role not in known:
                raise Problem(
                    f"There is no role {role!r}; the roles are: {', '.join(sorted(known)) or 'none yet'}."
                )
        if not arguments.role and not arguments.superuser:
            raise Problem("A person without a role may do nothing: give --role ROLE, or --superuser.")
        if User.objects.filter(username=arguments.name).exists():
            raise Problem(f"There is already a person named {arguments.name!r}.")
        typed = "" if sys.stdin.isatty() else sys.stdin.readline().strip()
        if typed:
            _refuse_weak(typed, User(username=arguments.name, email=arguments.email))
        password = typed or secrets.token_urlsafe(12)
        if arguments.superuser:  # who is the first to enter, before anybody could let them in
            person = User.objects.create_superuser(arguments.name, arguments.email, password)
            person.groups.set(Group.objects.filter(name__in=arguments.role))
        else:
            _let_in(arguments, password)
        say(
            f"{arguments.name} may enter."
            if typed
            else f"{arguments.name} may enter with the password {password}"
        )
    return 0


def _let_in(arguments: argparse.Namespace, password: str) -> None:
    from django.contrib.auth.hashers import make_password

    from entrepot.access.commands.keep_people import AddPerson, add_people

    wanted = AddPerson(
        arguments.name,
        make_password(password),
        tuple(arguments.role),
        arguments.email,
        tuple(arguments.accept),
    )
    given("user", add_people, wanted)


def run_list(arguments: argparse.Namespace) -> int:
    with opened(arguments.database):
        from django.contrib.auth.models import User

        for person in User.objects.order_by("username").prefetch_related("groups"):
            roles = ["superuser"] * person.is_superuser + sorted(group.name for group in person.groups.all())
            barred = "" if person.is_active else "(may not enter) "
            say(f"{person.username:<20} {barred}{', '.join(roles) or 'no role'}")
    return 0


def run_password(arguments: argparse.Namespace) -> int:
    with opened(arguments.database):
        from django.contrib.auth.hashers import make_password
        from django.contrib.auth.models import User

        from entrepot.access.commands.keep_people import RenewPassword, renew_passwords

        person = User.objects.filter(username=arguments.name).first()
        if person is None:
            raise Problem(f"There is no person named {arguments.name!r}.")
        password = getpass.getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
        _refuse_weak(password, person)
        given("user", renew_passwords, RenewPassword(arguments.name, make_password(password)))
        say(f"{arguments.name} has a new password.")
    return 0


def run_factor(arguments: argparse.Namespace) -> int:
    with opened(arguments.database):
        from entrepot.access.commands.keep_own import ResetFactor, reset_factors

        given("user", reset_factors, ResetFactor(arguments.name))
        say(f"The password of {arguments.name} alone lets them in until they set up another second factor.")
    return 0


def _refuse_weak(password: str, person: User) -> None:
    """One rule for every password that a person chose, whichever verb takes it."""
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Problem(" ".join(error.messages)) from error
