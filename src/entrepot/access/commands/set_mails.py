"""Where people get mail: reports that they subscribed to, and what an administrator sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.access import rules
from entrepot.access.commands.keep_people import lock
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


@command("access.set_mails")
def set_mails(cause: Cause, /, *, requests: Sequence[SetMail]) -> list[MailSet | Refused]:
    """People with their addresses of mail. The log says that one was changed, for whom and by whom, and holds none. Of
    several requests for one person the last one counts.

    Locks: the people, in the order of their ids. Refuses: NotFound; Invalid (no address of mail). Again: changes
    nothing, and nothing is told. 3 statements.
    """
    found = lock([one.person for one in requests])
    answers: list[MailSet | Refused] = []
    changed: dict[str, str] = {}
    for one in requests:
        refused = (
            rules.misfit_mail(one.email) if one.person in found else NotFound(what="person", which=one.person)
        )
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
            Event("person", was.subject, 0, was.state, was.state, None, {"has_mail": bool(mail)})
            for name, mail in changed.items()
            for was in [found[name]]
        ),
    )
    return answers


_SET = """
UPDATE auth_user SET email = one.mail FROM unnest(%(people)s::int[], %(mails)s::text[]) AS one(person, mail)
WHERE auth_user.id = one.person
"""
