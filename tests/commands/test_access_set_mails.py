"""access.set_mails"""

from __future__ import annotations

import pytest

from entrepot.access import queries
from entrepot.access.commands.keep_people import AddPerson, add_people, subject_of
from entrepot.access.commands.set_mails import MailSet, SetMail, set_mails
from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted
from entrepot.kernel.queries import timeline
from tests.commands.test_access_keep_people import CAUSE, HASH, NOW
from tests.sizes import MANY, SIZES
from tests.together import all_at_once

NEW = "anna@new.example"


def people(n: int = 1) -> list[str]:
    sync_roles(CAUSE, requests=[SyncRoles()])
    names = ["anna", *(f"p{i}" for i in range(n - 1))]
    add_people(CAUSE, requests=[AddPerson(one, HASH, ("packer",), f"{one}@old.example") for one in names])
    return names


def mail_of(name: str) -> str:
    return next(one.email for one in queries.known() if one.name == name)


@pytest.mark.django_db
def test_an_address_is_changed_with_a_trace_that_does_not_hold_it():
    people()
    assert set_mails(CAUSE, requests=[SetMail("anna", NEW)]) == [MailSet("anna", has_mail=True)]
    assert mail_of("anna") == NEW
    (which,) = [one.id for one in queries.known() if one.name == "anna"]
    told = timeline(subjects=[subject_of(which)], kind="person")[-1]
    assert (told.command, told.actor, told.payload) == ("access.set_mails", "root", {"has_mail": True})
    assert sql.run("SELECT 1 FROM kernel_event WHERE payload::text LIKE '%new.example%'") == []
    set_mails(CAUSE, requests=[SetMail("anna", NEW)])
    assert timeline(subjects=[subject_of(which)], kind="person")[-1].seq == told.seq, "nothing is told again"
    assert set_mails(CAUSE, requests=[SetMail("anna", "")]) == [MailSet("anna", has_mail=False)]
    assert mail_of("anna") == ""


@pytest.mark.django_db
def test_what_is_no_address_and_who_is_not_there_are_refused():
    people()
    wanted = [
        SetMail("nobody", NEW),
        SetMail("anna", "here"),
        SetMail("anna", "x@" + "y" * 300),
        SetMail("anna", NEW),
    ]
    answers = set_mails(CAUSE, requests=wanted)
    assert [type(one) for one in answers] == [NotFound, Invalid, Invalid, MailSet]
    lead = Cause(Actor("lead", frozenset({"orders.place"})), NOW)
    assert isinstance(set_mails(lead, requests=wanted[-1:])[0], NotPermitted)
    last = [SetMail("anna", "a@b.example", key="k"), SetMail("anna", "c@d.example")]
    assert set_mails(CAUSE, requests=last)[0] == set_mails(CAUSE, requests=last[:1])[0]
    assert mail_of("anna") == "c@d.example", "the last of several counts"


@pytest.mark.django_db
@pytest.mark.counts("access.set_mails")
def test_statements_do_not_grow_with_the_batch(statements):
    names = people(MANY)
    for size in SIZES:
        with statements():
            set_mails(CAUSE, requests=[SetMail(one, f"{one}@{size}.example") for one in names[:size]])


def test_of_several_at_once_each_is_whole(committed_db):
    names = people(10)
    batches = [[SetMail(one, f"{one}@{turn}.example") for one in names[:: (-1) ** turn]] for turn in range(4)]
    answers = all_at_once(set_mails, CAUSE, *batches)
    assert all(isinstance(one, MailSet) for one in answers)
    assert len({one.email.partition("@")[2] for one in queries.known() if one.name in names}) == 1
