"""orders.draft, orders.place_draft, orders.discard_draft"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.orders import errors, queries
from entrepot.orders.commands.draft import (
    DiscardDraft,
    DraftDiscarded,
    DraftSaved,
    PlaceDraft,
    RestoreDraft,
    SaveDraft,
    discard_draft,
    draft,
    place_draft,
    restore_draft,
)
from entrepot.orders.commands.place import AddressGiven, PaymentGiven, Placed
from entrepot.parties import queries as parties
from tests.selling import CAUSE, COMPANY, NOW, a_line, a_seller, an_order, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

ORDER = an_order("", a_line("MUG", 3, "10.00"), discount_minor=2_00, shipping_minor=3_00)


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def saved(order=ORDER, **facts) -> DraftSaved:
    (answer,) = draft(CAUSE, requests=[SaveDraft(order, **facts)])
    assert isinstance(answer, DraftSaved), answer
    return answer


def test_a_draft_is_numbered_changed_at_will_and_promises_nothing():
    first = saved()
    changed = saved(replace(ORDER, lines=(a_line("PEN", 1, "4.50"),)), draft=first.draft)

    assert (first.number[:3], first.total_minor) == ("QT-", 31_00)
    assert (changed.draft, changed.number, changed.total_minor) == (first.draft, first.number, 5_50)
    assert queries.draft(first.draft).total_minor == 5_50
    assert [one.id for one in queries.drafts(COMPANY)] == [first.draft]
    assert rows("orders_order") == rows("kernel_ready") == 0


def test_a_draft_becomes_an_order_with_its_amounts_frozen():
    one = saved(valid_until=NOW)
    payment = PaymentGiven("account", "P", 31_00, NOW)
    address = AddressGiven("Ada", "1 High Street", "Leeds")

    (answer,) = place_draft(CAUSE, requests=[PlaceDraft(one.draft, address, payment)])

    assert isinstance(answer, Placed)
    order = queries.order(answer.order)
    assert (order.external_id, order.total_minor, order.payment) == (one.number, 31_00, "authorized")
    assert order.address_id
    assert (queries.draft(one.draft).state, queries.draft(one.draft).order_id) == ("placed", answer.order)


HOME = AddressGiven("Ada", "1 High Street", "Leeds", email="ada@example.test")


def address_of(one: DraftSaved):
    return queries.draft(one.draft).address_id


def in_the_vault(address):
    """Whose it is, and whether the row and they still say something."""
    (found,) = sql.run(
        "SELECT p.id, a.sealed IS NOT NULL, p.key IS NOT NULL FROM parties_address AS a"
        " JOIN parties_person AS p ON p.id = a.person_id WHERE a.id = %(which)s::uuid",
        {"which": address},
    )
    return found


def test_a_draft_for_another_customer_has_their_own_address():
    """Else erasing one customer would empty the other's draft."""
    one = saved(replace(ORDER, customer="C-1", address=HOME))
    first = address_of(one)
    saved(replace(ORDER, customer="C-1", address=HOME), draft=one.draft)
    assert address_of(one) == first

    saved(replace(ORDER, customer="C-2", address=HOME), draft=one.draft)

    assert address_of(one) != first
    (person, _, _), (other, _, _) = in_the_vault(first), in_the_vault(address_of(one))
    assert person != other


@pytest.mark.parametrize("address", [replace(HOME, line1="2 Low Street"), None], ids=["another", "none"])
def test_an_address_that_a_draft_has_no_more_is_emptied(address):
    """No list of a person's data leads to it any more, so nobody could erase it later."""
    one = saved(replace(ORDER, address=HOME))
    other = saved(replace(ORDER, customer="C-9", address=HOME))
    first = address_of(one)

    saved(replace(ORDER, address=address), draft=one.draft)

    _, is_full, has_key = in_the_vault(first)
    assert (is_full, has_key) == (False, address is not None), (
        "the key goes where no address of theirs is left"
    )
    assert (address_of(one) is None) == (address is None)
    full = sql.run("SELECT id FROM parties_address WHERE sealed IS NOT NULL")
    assert {key for (key,) in full} == {address_of(each) for each in (one, other)} - {None}


def test_an_address_of_a_draft_that_is_refused_stays():
    one = saved(replace(ORDER, address=HOME))
    moved = replace(ORDER, address=replace(HOME, line1="2 Low Street"), lines=())
    (refused,) = draft(CAUSE, requests=[SaveDraft(moved, one.draft)])

    assert refused.message.startswith(f"{one.number} can't be saved: lines must be ")
    assert parties.addresses([address_of(one)])[address_of(one)].line1 == HOME.line1


def test_an_expired_quote_is_refused_until_it_is_prolonged():
    one, later = saved(valid_until=NOW), replace(CAUSE, at=NOW + timedelta(seconds=1))

    (refused,) = place_draft(later, requests=[PlaceDraft(one.draft)])

    assert isinstance(refused, errors.QuoteExpired)
    assert rows("orders_order") == 0
    saved(draft=one.draft, valid_until=NOW + timedelta(days=1))
    (answer,) = place_draft(CAUSE, requests=[PlaceDraft(one.draft)])
    assert isinstance(answer, Placed)


def test_what_is_placed_or_discarded_stays_so():
    placed, discarded = saved(), saved()
    place_draft(CAUSE, requests=[PlaceDraft(placed.draft)])
    (gone,) = discard_draft(CAUSE, requests=[DiscardDraft(discarded.draft, "too dear")])

    assert gone == DraftDiscarded(discarded.draft)
    for one in (placed, discarded):
        for answer in (
            *place_draft(CAUSE, requests=[PlaceDraft(one.draft)]),
            *discard_draft(CAUSE, requests=[DiscardDraft(one.draft)]),
            *draft(CAUSE, requests=[SaveDraft(ORDER, one.draft)]),
        ):
            assert isinstance(answer, WrongState)
    assert rows("orders_order") == 1


def test_what_was_discarded_goes_on_as_it_stood():
    one = saved()
    discard_draft(CAUSE, requests=[DiscardDraft(one.draft)])

    assert restore_draft(CAUSE, requests=[RestoreDraft(one.draft, "r")]) == [one]
    assert restore_draft(CAUSE, requests=[RestoreDraft(one.draft, "r")]) == [one]
    assert queries.draft(one.draft).state == "draft"
    again, unknown = restore_draft(CAUSE, requests=[RestoreDraft(one.draft), RestoreDraft(ids.uuid7())])
    assert again == WrongState(subject=one.number, found="draft", event="restore", expected="discarded")
    assert isinstance(unknown, NotFound)
    (placed,) = place_draft(CAUSE, requests=[PlaceDraft(one.draft)])
    assert isinstance(placed, Placed)


def test_what_cannot_be_is_refused_and_its_neighbor_is_not():
    unknown = ids.uuid7()
    known = saved()
    wanted = [
        (SaveDraft(ORDER, unknown), NotFound),
        (SaveDraft(replace(ORDER, channel="none")), NotFound),
        (SaveDraft(replace(ORDER, lines=())), errors.UnfitDraft),
        (SaveDraft(replace(ORDER, payment=PaymentGiven("account", "P", 31_00, NOW))), Invalid),
        (SaveDraft(replace(ORDER, currency="QQQ")), Invalid),
        (SaveDraft(ORDER, valid_until=NOW - timedelta(seconds=1)), Invalid),
        (SaveDraft(ORDER, known.draft), DraftSaved),
        (SaveDraft(ORDER, known.draft), Invalid),
    ]
    answers = draft(CAUSE, requests=[request for request, _ in wanted])
    assert [type(one) for one in answers] == [kind for _, kind in wanted]
    assert isinstance(place_draft(CAUSE, requests=[PlaceDraft(unknown)])[0], NotFound)
    assert isinstance(discard_draft(CAUSE, requests=[DiscardDraft(unknown)])[0], NotFound)


def test_a_draft_whose_order_is_refused_stays_a_draft():
    one = saved()
    payment = PaymentGiven("nobody", "P", 1, NOW)
    (refused,) = place_draft(CAUSE, requests=[PlaceDraft(one.draft, payment=payment)])
    assert isinstance(refused, errors.Unplaceable)
    assert queries.draft(one.draft).state == "draft"


def test_again_by_key_answers_the_same():
    one = SaveDraft(ORDER, key="k")
    (first,), (again,) = draft(CAUSE, requests=[one]), draft(CAUSE, requests=[one])
    assert first == again
    place_it = PlaceDraft(first.draft, key="p")
    assert place_draft(CAUSE, requests=[place_it]) == place_draft(CAUSE, requests=[place_it])
    assert rows("orders_order") == rows("orders_draft") == 1


@pytest.mark.counts("orders.discard_draft", "orders.draft", "orders.place_draft", "orders.restore_draft")
def test_statements_do_not_grow_with_the_batch(statements):
    counts = []
    for batch in SIZES:
        with statements() as ran:
            made = draft(CAUSE, requests=[SaveDraft(ORDER)] * batch)
        counts.append([len(ran.texts)])
        with statements() as ran:
            place_draft(CAUSE, requests=[PlaceDraft(one.draft) for one in made])
        counts[-1].append(len(ran.texts))
        others = draft(CAUSE, requests=[SaveDraft(ORDER)] * batch)
        with statements() as ran:
            discard_draft(CAUSE, requests=[DiscardDraft(one.draft) for one in others])
        counts[-1].append(len(ran.texts))
        with statements() as ran:
            restore_draft(CAUSE, requests=[RestoreDraft(one.draft) for one in others])
        counts[-1].append(len(ran.texts))
    assert counts[0] == counts[1] == counts[2]
