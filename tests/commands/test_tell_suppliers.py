"""purchasing.send_drop_ships, purchasing.note_drop_ship_sendings, channels.route_drop_ships: what suppliers are to send
to customers reaches them through the relay, by mail or X12."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.channels import tasks as channels
from entrepot.channels.commands.route_drop_ships import DropShipRouted, RouteDropShip, route_drop_ships
from entrepot.channels.x12.envelope import read
from entrepot.channels.x12.purchase_order import Partner
from entrepot.kernel import delivery, ids, relay, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import NotFound, NotPermitted, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders.commands.place import AddressGiven
from entrepot.parties.commands.erase import ErasePeople, erase
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.call_off_drop_ships import CallOffDropShip, call_off_drop_ships
from entrepot.purchasing.commands.confirm_drop_ships import ConfirmDropShip, confirm_drop_ships
from entrepot.purchasing.commands.drop_ship import DropShipOrder, drop_ship
from entrepot.purchasing.commands.refuse_drop_ships import RefuseDropShip, refuse_drop_ships
from entrepot.purchasing.commands.tell_suppliers import (
    DropShipSending,
    DropShipSendingNoted,
    NoteDropShipSending,
    SendDropShip,
    note_drop_ship_sendings,
    send_drop_ships,
)
from entrepot.purchasing.drop_ship import DropShipMail
from entrepot.web import drop_ship_paper
from tests.catcher import catching
from tests.drop import NOTICES, a_supplier, asked, passed_on, profile
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.receiver import Receiver, receiving
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
DESK = "desk@acme.example"
ADA = AddressGiven("Ada Löwe-Quince", "12 Straßen Row", "Łodz Park", line2="Flat 3", phone="+44 20 7946 0001")
GREEK = AddressGiven("Άννα Παπαδοπούλου", "Οδός Ερμού 1", "Αθήνα")


class Killed(BaseException):
    """As nobody catches it, so nobody catches a kill."""


@pytest.fixture
def floor(db: None) -> Floor:
    floor = a_floor()
    floor.stock(sku=1, quantity=5000)
    a_supplier(floor, skus=(0,))
    profile()
    return floor


@pytest.fixture
def there(settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_LOCAL = True
    with receiving() as receiver:
        yield receiver


def steer(kind: str, body: object, at=NOW) -> None:
    whole(set_policy(SYSTEM, requests=[SetPolicy(COMPANY, kind, body, at, "ACME")]))


def by_mail(address: str = DESK, **facts: object) -> None:
    steer("purchasing.drop_ship_mail", DropShipMail(address, **facts))  # type: ignore[arg-type]


def by_x12(there: Receiver) -> None:
    steer("channels.x12", Partner("HOUSE", "ZZ", "ACME", "ZZ", there.url))


def one(floor: Floor, address: AddressGiven | None = ADA, **facts: object) -> UUID:
    return asked(passed_on(floor, (0, 2), address=address, **facts))


def relayed(minutes: float = 1) -> int:
    return relay.relay_once(relay.destinations(), at=NOW + timedelta(minutes=minutes))


def states(which: UUID) -> list[tuple[str, str, str]]:
    return [(each.purpose, each.way, each.state) for each in queries.sendings_of([which])[which]]


def items() -> list[tuple[UUID, str, str]]:
    return sql.run(
        "SELECT subject_id, type, role FROM work_item WHERE state = 'open' AND type LIKE 'drop-ship not%%'"
    )  # type: ignore[return-value]


def kept(*words: str) -> list[str]:
    """Tables of messages, sendings, events and work in which a word stands."""
    tables = ("kernel_delivery", "purchasing_dropshipsending", "kernel_event", "work_item", "kernel_request")
    return [
        table
        for table in tables
        for word in words
        if sql.run(f"SELECT 1 FROM {table} AS t WHERE t::text ILIKE %(w)s LIMIT 1", {"w": f"%{word}%"})
    ]


# ---- by mail


def test_a_supplier_is_mailed_what_to_send_to_whom_and_nothing_keeps_the_address(floor, mailoutbox) -> None:
    by_mail(packing_note="Plain boxes only.")
    which = one(floor, gift_message="With love")
    assert queries.drop_ship(which).sending == "waiting"
    assert relayed() == 2, "the way is found, and the mail goes"
    (mail,) = mailoutbox
    number = queries.drop_ship(which).number
    assert mail.to == [DESK] and number in mail.subject and "send it once" in mail.body
    ((name, paper, kind),) = mail.attachments
    assert (name, kind, paper[:4]) == (f"{number}.pdf", "application/pdf", b"%PDF")
    assert states(which) == [("asked", "mail", "sent")] and queries.drop_ship(which).sending == "sent"
    assert "Ada" not in mail.body + mail.subject
    assert kept("Quince", "7946 0001", "Row") == [] and items() == []
    assert relayed(2) == 0


def test_the_paper_says_whom_it_goes_to_and_what_goes_with_it(floor, monkeypatch) -> None:
    said: list[str] = []
    paper = drop_ship_paper.papers.Paper
    monkeypatch.setattr(
        paper,
        "normalize_text",
        lambda self, text, then=paper.normalize_text: (said.append(text), then(self, text))[1],
    )
    by_mail(packing_note="Plain boxes only.", language="de")
    which = one(floor, gift_message="With love", service="express")
    relayed()
    text = "\n".join(said)
    for word in ("Ada Löwe-Quince", "12 Straßen Row", "Flat 3", "7946 0001", "express", "Plain boxes", "With love",
                 floor.codes[0], queries.drop_ship(which).order_number):  # fmt: skip
        assert word in text, word

    said.clear()
    whole(call_off_drop_ships(SYSTEM, requests=[CallOffDropShip(which, "no more")]))
    assert relayed(2) == 2
    assert floor.codes[0] in "\n".join(said) and "Quince" not in "\n".join(said)
    assert states(which) == [("called_off", "mail", "sent"), ("asked", "mail", "sent")]


def test_what_is_called_off_before_it_went_out_is_not_asked_for(floor, settings, mailoutbox) -> None:
    by_mail()
    which = one(floor)
    whole(call_off_drop_ships(SYSTEM, requests=[CallOffDropShip(which, "no more")]))
    for minutes in (1, 2):
        relayed(minutes)
    assert states(which) == [("called_off", "mail", "sent"), ("asked", "mail", "superseded")]
    (mail,) = mailoutbox
    assert "called off" in mail.subject


def test_a_mail_that_nobody_takes_is_work_until_it_is_sent_again(floor, settings) -> None:
    with catching() as catcher:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", catcher.port
        catcher.refuses = "550 nobody"
        by_mail()
        which = one(floor)
        relayed()
        assert states(which) == [("asked", "mail", "failed")]
        assert items() == [(which, "drop-ship not sent to the supplier", "inventory manager")]
        catcher.refuses = ""
        whole(send_drop_ships(NOTICES, requests=[SendDropShip(which)]))
        assert relayed(2) == 2
        assert [state for *_, state in states(which)] == ["sent", "failed"]
        assert (len(catcher.mails), items()) == (1, [])


def test_a_mail_that_is_put_off_is_tried_again_and_one_without_an_answer_is_not(floor, settings) -> None:
    with catching() as catcher:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", catcher.port
        catcher.refuses = "450 greylisted"
        by_mail()
        which = one(floor)
        relayed()
        assert states(which) == [("asked", "mail", "waiting")]
        catcher.refuses = ""
        relayed(30)
        assert (states(which), len(catcher.mails)) == ([("asked", "mail", "sent")], 1)

        other, catcher.breaks_off = one(floor), True
        for minutes in (31, 60):
            relayed(minutes)
        assert (states(other), len(catcher.mails)) == ([("asked", "mail", "failed")], 2)
        assert [subject for subject, *_ in items()] == [other]


def test_of_a_mail_that_may_have_gone_out_a_person_decides_and_no_second_goes_by_itself(
    floor, mailoutbox, monkeypatch
) -> None:
    by_mail()
    which = one(floor)

    def killed(*_args: object, **_facts: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(drop_ship_paper, "note_drop_ship_sendings", killed)
        with pytest.raises(Killed):
            relayed()
    assert states(which) == [("asked", "mail", "waiting")] and len(mailoutbox) == 1
    assert relayed(2) == 0, "whoever is gone may be at it still"
    relayed(10)
    (sending,) = queries.sendings_of([which])[which]
    assert (sending.state, len(mailoutbox)) == ("failed", 1) and "may have reached him" in sending.error
    assert [subject for subject, *_ in items()] == [which]
    whole(send_drop_ships(NOTICES, requests=[SendDropShip(which)]))
    relayed(11)
    first, second = mailoutbox
    assert (first.subject, first.body) == (second.subject, second.body), "and says that it is one order"
    assert items() == []


# ---- by X12


def test_a_supplier_with_x12_gets_the_order_with_its_ship_to_and_its_cancellation(floor, there) -> None:
    by_x12(there)
    by_mail()
    which = one(floor, gift_message="With love")
    assert relayed() == 2
    (got,) = there.got
    ((_, document),) = read(got.body.partition(" ")[2]).sets()
    found = {each.name: each for each in document.segments}
    number = queries.drop_ship(which).number
    beg = found["BEG"]
    assert (beg.at(1), beg.at(2), beg.at(3)) == ("00", "DS", number)
    to = [each for each in document.segments if each.name == "N1"][-1]
    assert (to.at(1), to.at(2)) == ("ST", "Ada Lowe-Quince")
    assert (found["N3"].at(1), found["N3"].at(2)) == ("12 Strassen Row", "Flat 3")
    assert (found["N4"].at(1), found["N4"].at(3), found["N4"].at(4)) == ("Lodz Park", "SW1A 1AA", "GB")
    assert (found["MSG"].at(1), found["PER"].at(4), found["PO1"].at(2)) == (
        "With love",
        "+44 20 7946 0001",
        "2",
    )
    assert states(which) == [("asked", "x12", "sent")] and kept("Quince", "Strassen") == []

    whole(send_drop_ships(NOTICES, requests=[SendDropShip(which)]))
    relayed(2)
    whole(call_off_drop_ships(SYSTEM, requests=[CallOffDropShip(which, "no more")]))
    relayed(3)
    bodies = [each.body.partition(" ")[2] for each in there.got]
    assert [read(body).sets()[0][1].segments[0].at(1) for body in bodies] == ["00", "05", "01"]
    assert "Quince" not in bodies[-1]
    controls = {read(body).control for body in bodies}
    assert len(controls) == 3


def test_a_killed_relay_posts_the_same_document_under_the_same_key(floor, there, monkeypatch) -> None:
    by_x12(there)
    which = one(floor)

    def killed(*_args: object, **_facts: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(channels, "note_drop_ship_sendings", killed)
        with pytest.raises(Killed):
            relayed()
    relayed(2)
    first, second = there.got
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert states(which) == [("asked", "x12", "sent")]


def test_letters_that_x12_does_not_write_are_work_and_no_guess(floor, there) -> None:
    by_x12(there)
    which = one(floor, GREEK)
    relayed()
    (sending,) = queries.sendings_of([which])[which]
    assert (sending.state, there.got) == ("failed", []) and "letters" in sending.error
    assert [subject for subject, *_ in items()] == [which]


@pytest.mark.parametrize("status", [503, 400])
def test_a_document_that_is_not_taken_is_tried_again_then_work(floor, there, status) -> None:
    by_x12(there)
    there.status = status
    which = one(floor)
    relayed()
    assert states(which) == [("asked", "x12", "waiting")]
    last = {"n": len(delivery.RETRY_AFTER)}
    sql.change(
        "UPDATE kernel_delivery SET attempts = %(n)s, next_try_at = created_at WHERE state = 'waiting'", last
    )
    relayed(2)
    assert states(which) == [("asked", "x12", "failed")]
    assert [subject for subject, *_ in items()] == [which]


# ---- by nobody


def test_where_no_policy_says_how_he_is_reached_a_buyer_is_told_once(floor) -> None:
    which = one(floor)
    assert relayed() == 1
    (sending,) = queries.sendings_of([which])[which]
    assert (sending.state, sending.way) == ("no_channel", "") and "purchasing.drop_ship_mail" in sending.error
    assert items() == [(which, "drop-ship not sent to the supplier", "inventory manager")]
    whole(confirm_drop_ships(NOTICES, requests=[ConfirmDropShip(which)]))
    assert items() == [], "whoever confirms it knows it"


def test_without_a_mail_server_it_is_work_at_once(floor, settings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
    by_mail()
    which = one(floor)
    relayed()
    (sending,) = queries.sendings_of([which])[which]
    assert sending.state == "no_channel" and "mail server" in sending.error


def test_an_order_whose_customer_was_erased_goes_nowhere(floor, mailoutbox) -> None:
    by_mail()
    which = one(floor)
    ((person,),) = sql.run("SELECT person_id FROM parties_address")
    whole(erase(SYSTEM, requests=[ErasePeople((person,))]))
    relayed()
    assert (states(which), mailoutbox) == ([("asked", "mail", "failed")], [])
    assert [subject for subject, *_ in items()] == [which]


def test_what_an_earlier_release_left_unsent_goes_out_when_it_is_sent_again(floor, mailoutbox) -> None:
    which = one(floor)
    sql.change("DELETE FROM purchasing_dropshipsending", {})
    sql.change("UPDATE kernel_delivery SET body = body - 'sending'", {})
    by_mail()
    for minutes in (1, 2):
        relayed(minutes)
    assert len(mailoutbox) == 1 and states(which) == [("asked", "mail", "sent")]


# ---- the commands


def test_what_is_sent_again_takes_the_place_of_what_is_tried(floor, settings, mailoutbox) -> None:
    by_mail("wrong@acme.example")
    which = one(floor)
    (first,) = whole(send_drop_ships(NOTICES, requests=[SendDropShip(which)]))
    assert first == DropShipSending(which, queries.sendings_of([which])[which][0].id, "asked"), (
        "not begun yet"
    )
    (sending,) = queries.sendings_of([which])[which]
    whole(route_drop_ships(SYSTEM, requests=[RouteDropShip(sending.id)]))
    set_policy(
        SYSTEM,
        requests=[SetPolicy(COMPANY, "purchasing.drop_ship_mail", DropShipMail(DESK), NOW, "ACME")],
    )
    (again,) = whole(send_drop_ships(NOTICES, requests=[SendDropShip(which, key="k")]))
    assert send_drop_ships(NOTICES, requests=[SendDropShip(which, key="k")]) == [again]
    assert [state for *_, state in states(which)] == ["waiting", "superseded"]
    for minutes in (1, 2):
        relayed(minutes)
    assert [mail.to for mail in mailoutbox] == [[DESK]]


def test_refusals(floor) -> None:
    which = one(floor)
    refused = one(floor)
    whole(refuse_drop_ships(NOTICES, requests=[RefuseDropShip(refused, "sold out")]))
    wanted = [SendDropShip(refused), SendDropShip(ids.uuid7())]
    assert [type(each) for each in send_drop_ships(NOTICES, requests=wanted)] == [WrongState, NotFound]
    (denied,) = send_drop_ships(Cause(Actor("auditor"), NOW), requests=[SendDropShip(which)])
    assert isinstance(denied, NotPermitted)
    (unknown,) = route_drop_ships(SYSTEM, requests=[RouteDropShip(ids.uuid7())])
    assert isinstance(unknown, NotFound)


def test_each_is_routed_and_noted_once(floor) -> None:
    by_mail()
    which = one(floor)
    (sending,) = queries.sendings_of([which])[which]
    routing = [RouteDropShip(sending.id)]
    assert route_drop_ships(SYSTEM, requests=routing) == [DropShipRouted(sending.id, "mail")]
    assert isinstance(route_drop_ships(SYSTEM, requests=routing)[0], NotFound)
    noting = [NoteDropShipSending(sending.id)]
    assert note_drop_ship_sendings(SYSTEM, requests=noting) == [DropShipSendingNoted(sending.id, "sent")]
    assert isinstance(note_drop_ship_sendings(SYSTEM, requests=noting)[0], NotFound)


def several(floor: Floor, count: int) -> list[UUID]:
    placed = [passed_on(floor, (0, 1), address=ADA) for _ in range(count)]
    made = whole(drop_ship(SYSTEM, requests=[DropShipOrder(each) for each in placed]))
    return [each.made[0][0] for each in made]


def ran_of(statements, command, requests: list) -> int:
    with statements() as ran:
        whole(command(SYSTEM, requests=requests))
    return len([text for text in ran.texts if "SAVEPOINT" not in text])


@pytest.mark.counts(
    "purchasing.send_drop_ships", "purchasing.note_drop_ship_sendings", "channels.route_drop_ships"
)
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, floor, count: int) -> None:
    by_mail()
    which = several(floor, count)
    sendings = [queries.sendings_of(which)[each][0].id for each in which]
    assert ran_of(statements, route_drop_ships, [RouteDropShip(each) for each in sendings]) == 4
    failing = [NoteDropShipSending(each, "failed", "550") for each in sendings]
    assert ran_of(statements, note_drop_ship_sendings, failing) == 3
    assert ran_of(statements, send_drop_ships, [SendDropShip(each) for each in which]) == 7
