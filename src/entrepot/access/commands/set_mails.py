"""Where people get mail: reports that they subscribed to, and what an administrator sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entrepot.access import rules
from entrepot.access.commands.keep_people import IN, OUT, subject_of
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class SetMail:
    """The address at which somebody gets mail from now on; '' for none."""

    person: str
    email: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MailSet:
    person: str
    has_mail: bool


class _Found(NamedTuple):
    id: int
    name: str
    may_enter: bool
    email: str


@command("access.set_mails")
def set_mails(cause: Cause, /, *, requests: Sequence[SetMail]) -> list[MailSet | Refused]:
    """People with their addresses of mail. The log says that one was changed, for whom and by whom, and holds none. Of
    several requests for one person the last one counts.

    Locks: the people, in the order of their ids. Refuses: NotFound; Invalid (no address of mail). Again: changes
    nothing, and nothing is told. 3 statements.
    """
    names = sorted({one.person for one in requests})
    found = {row[1]: _Found(*row) for row in sql.run(_LOCK, {"names": names})}
    answers: list[MailSet | Refused] = []
    changed: dict[str, str] = {}
    for one in requests:
        refused = rules.misfit_mail(one.email)
        if one.person not in found:
            refused = NotFound(what="person", which=one.person)
        answers.append(refused or MailSet(one.person, bool(one.email)))
        if refused is None:
            changed[one.person] = one.email
    changed = {name: mail for name, mail in changed.items() if mail != found[name].email}
    if changed:
        rows = [(found[name].id, mail) for name, mail in changed.items()]
        sql.run(_SET, sql.columns(("people", "mails"), rows))
    announce(
        cause,
        (
            Event("person", subject_of(was.id), 0, state, state, None, {"has_mail": bool(mail)})
            for name, mail in changed.items()
            for was in [found[name]]
            for state in [IN if was.may_enter else OUT]
        ),
    )
    return answers


_LOCK = """
SELECT id, username, is_active, email FROM auth_user WHERE username = ANY(%(names)s::text[]) ORDER BY id FOR UPDATE
"""

_SET = """
UPDATE auth_user SET email = one.mail FROM unnest(%(people)s::int[], %(mails)s::text[]) AS one(person, mail)
WHERE auth_user.id = one.person
"""
