"""orders.list_buyers, orders.unlist_buyers, and what they do to orders that come"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel import queries as kernel
from entrepot.kernel.cause import Actor
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import errors, listing_queries, queries
from entrepot.orders.commands.edit import EditOrder, edit
from entrepot.orders.commands.forget import ForgetFingerprints, forget_fingerprints
from entrepot.orders.commands.forget_buyers import ForgetBuyer, forget_buyers
from entrepot.orders.commands.list_buyers import (
    BuyerListed,
    ListBuyer,
    UnlistBuyer,
    list_buyers,
    unlist_buyers,
)
from entrepot.orders.commands.place import AddressGiven, BillingGiven, PaymentGiven
from entrepot.orders.validation import Validation
from entrepot.parties import fingerprints
from tests.selling import CAUSE, COMPANY, NOW, a_seller, an_order, placed, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

HOME = AddressGiven("Ada King", "12, High St.", "Ockham", email="ada+shop@Example.com")
MAIL = fingerprints.of_email("ADA@example.com")
CARD = PaymentGiven("account", "P", 10_00, NOW, card="tok_1")


@pytest.fixture(autouse=True)
def seller(db):
    a_seller(channels=("shop", "market"))


def listed(entry: str = "customer:C-1", side: str = "blocked", **facts: Any) -> BuyerListed:
    (answer,) = list_buyers(CAUSE, requests=[ListBuyer(COMPANY, side, entry, "chargebacks", **facts)])
    assert isinstance(answer, BuyerListed), answer
    return answer


def held(external_id: str, **changes: Any) -> tuple[str, ...]:
    return placed(an_order(external_id, **changes))[0].holds


def steer(**fields: Any) -> None:
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", Validation(**fields), NOW)])


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ("customer:c-1", {"customer": "C-1"}),
        (MAIL.upper().replace("EMAIL", "email"), {"address": HOME, "postal_code": "GU23 6NQ"}),
        (fingerprints.of_card("tok_1"), {"payment": CARD}),
    ],
)
def test_who_is_blocked_is_held_on_every_channel_without_any_policy(entry: str, named: dict[str, Any]):
    assert held("before", **named) == ()
    listed(entry)

    for channel in ("shop", "market"):
        assert held("after", channel=channel, **named) == ("fraud review",)
        assert held("other", channel=channel, customer="C-2") == ()
    assert (
        queries.order(placed(an_order("told", **named))[0].order)
        .holds[0]
        .reason.endswith(
            "is on the block list."
            if entry.startswith("customer")
            else f"On the block list: one {'card' if 'card' in entry else 'mail address'}."
        )
    )


def test_a_channel_may_only_warn_of_it_or_not_ask():
    listed()
    steer(blocked="warn")
    (answer,) = placed(an_order("1", customer="C-1"))
    assert (answer.holds, [one.rule for one in answer.warnings]) == ((), ["blocked"])
    steer(blocked="off")
    (answer,) = placed(an_order("2", customer="C-1"))
    assert (answer.holds, answer.warnings) == ((), ())


def test_who_is_trusted_is_spared_and_the_block_list_stands_above():
    steer(newcomer="enforce", newcomer_max_minor=1)
    assert held("1", customer="C-1") == ("fraud review",)
    listed("customer:C-2", "trusted")
    listed(MAIL, "trusted")
    assert held("2", customer="C-2") == ()
    assert held("3", customer="C-3", address=HOME) == ()
    listed("customer:C-4")
    assert held("4", customer="C-4", address=HOME) == ("fraud review",)


def test_nobody_is_listed_twice_and_what_is_taken_back_counts_no_more():
    one = listed()
    (again, other) = list_buyers(
        CAUSE,
        requests=[
            ListBuyer(COMPANY, "trusted", "customer:c-1", "a mistake"),
            ListBuyer(COMPANY, "blocked", "customer:C-2", "also"),
        ],
    )
    assert isinstance(again, errors.AlreadyListed)
    assert "customer:C-1 is blocked since" in again.message
    assert isinstance(other, BuyerListed)

    (ended,) = unlist_buyers(CAUSE, requests=[UnlistBuyer(one.listing, "it was her brother")])
    assert (ended.side, ended.entry) == ("blocked", "customer:C-1")
    assert held("after", customer="C-1") == ()
    assert listed(side="trusted").listing != one.listing

    (was,) = listing_queries.listings(COMPANY, ended=True)
    assert (was.reason, was.ended_because, was.ended_by) == ("chargebacks", "it was her brother", "worker")
    story = kernel.timeline(subjects=[one.listing])
    assert [(each.before, each.after, each.reason) for each in story] == [
        ("", "blocked", "chargebacks"), ("blocked", "taken back", "it was her brother"),
    ]  # fmt: skip
    assert "C-1" not in str(sql.run("SELECT payload FROM kernel_event WHERE subject_kind = 'listing'"))


def test_what_cannot_be_is_refused_and_its_neighbor_is_not():
    one = listed()
    order = placed(an_order("1"))[0].order
    wanted = [
        (ListBuyer(COMPANY, "loved", "customer:C-9", "why"), Invalid),
        (ListBuyer(COMPANY, "blocked", "C-9", "why"), Invalid),
        (ListBuyer(COMPANY, "blocked", "customer:", "why"), Invalid),
        (ListBuyer(COMPANY, "blocked", "email:ada@example.com", "why"), Invalid),
        (ListBuyer(COMPANY, "blocked", "customer:C-9", " "), Invalid),
        (ListBuyer(COMPANY, "blocked", "customer:C-9", "why", ids.uuid7()), NotFound),
        (ListBuyer(COMPANY, "blocked", "customer:C-9", "why", order), BuyerListed),
        (ListBuyer(COMPANY, "blocked", "customer:c-9", "why"), Invalid),
    ]
    answers = list_buyers(CAUSE, requests=[request for request, _ in wanted])
    assert [type(each) for each in answers] == [kind for _, kind in wanted]

    ends = [
        (UnlistBuyer(ids.uuid7(), "why"), NotFound),
        (UnlistBuyer(one.listing, ""), Invalid),
        (UnlistBuyer(one.listing, "why"), Invalid),  # once in a call
    ]
    answers = unlist_buyers(CAUSE, requests=[request for request, _ in ends])
    assert [type(each) for each in answers] == [kind for _, kind in ends]
    unlist_buyers(CAUSE, requests=[UnlistBuyer(one.listing, "why")])
    (refused,) = unlist_buyers(CAUSE, requests=[UnlistBuyer(one.listing, "why")])
    assert isinstance(refused, WrongState)


def test_only_who_reviews_fraud_may():
    service = replace(CAUSE, actor=Actor("service", frozenset({"orders.place_hold"})))
    (refused,) = list_buyers(service, requests=[ListBuyer(COMPANY, "blocked", "customer:C-1", "why")])
    assert isinstance(refused, NotPermitted)


def test_again_by_key_answers_the_same():
    one = ListBuyer(COMPANY, "blocked", "customer:C-1", "why", key="k")
    (first,), (again,) = list_buyers(CAUSE, requests=[one]), list_buyers(CAUSE, requests=[one])
    assert first == again
    end = UnlistBuyer(first.listing, "why", key="e")
    assert unlist_buyers(CAUSE, requests=[end]) == unlist_buyers(CAUSE, requests=[end])
    assert rows("orders_listing") == 1


def test_an_order_offers_what_it_names_also_its_card_as_long_as_it_is_reviewed():
    payment = replace(CARD, expires_at=None)
    (one,) = placed(
        an_order("1", customer="C-1", address=HOME, postal_code="GU23 6NQ", payment=payment, signals=("high_risk",))
    )  # fmt: skip
    assert one.holds == ("fraud review",)
    listed(MAIL, "trusted")
    found = listing_queries.listable(one.order)
    assert [(each.kind, each.listed and each.listed.side) for each in found] == [
        ("customer", None), ("card", None), ("address", None), ("email", "trusted"),
    ]  # fmt: skip

    late = ForgetFingerprints(NOW + timedelta(days=9))
    forget_fingerprints(CAUSE, requests=[late])
    assert "card" in [each.kind for each in listing_queries.listable(one.order)]
    sql.run("UPDATE orders_hold SET state = 'released', resolution = 'waived', closed_at = opened_at")
    forget_fingerprints(CAUSE, requests=[late])
    assert "card" not in [each.kind for each in listing_queries.listable(one.order)]
    sql.run("UPDATE orders_hold SET state = 'open', resolution = '', closed_at = NULL")
    assert listing_queries.listable(ids.uuid7()) == []


def test_a_new_address_of_an_order_is_asked_as_well():
    (one,) = placed(an_order("1"))
    listed(MAIL)
    moved = EditOrder(one.order, "moved", address=HOME, postal_code="GU23 6NQ")
    (answer,) = edit(CAUSE, requests=[moved])
    assert answer.holds == ("fraud review",)


def test_a_trusted_customer_is_spared_when_the_order_goes_elsewhere_and_a_blocked_one_is_reviewed():
    steer(mismatch="enforce", mismatch_from="street")
    billing = BillingGiven("Ada King", "1 Main St.", "Leeds", "GB", "LS1 4AP")
    orders = placed(*(an_order(f"{n}", customer=f"C-{n}", billing=billing) for n in range(3)))
    listed("customer:C-1", "trusted")
    listed("customer:C-2")
    moved = [EditOrder(one.order, "moved", address=HOME, postal_code="GU23 6NQ") for one in orders]
    reasons = [
        [one.reason for one in queries.order(answer.order).holds] for answer in edit(CAUSE, requests=moved)
    ]
    assert reasons[0] == ["It is billed to another postal code than it is sent to."]
    assert reasons[1] == []
    assert reasons[2][0].endswith("The customer is on the block list.")


def test_a_customer_who_is_forgotten_is_on_no_list_and_a_fingerprint_stays():
    one, mail = listed(), listed(MAIL)
    forget_buyers(CAUSE, requests=[ForgetBuyer(COMPANY, (), ("C-1",))])
    assert [each.id for each in listing_queries.listings(COMPANY)] == [mail.listing]
    (gone,) = listing_queries.listings(COMPANY, ended=True)
    assert (gone.id, gone.entry) == (one.listing, f"customer:{one.listing}")


def test_lists_are_found_by_side_and_part_and_continued():
    made = [listed(f"customer:C-{n}", "trusted" if n % 2 else "blocked") for n in range(6)]
    every = listing_queries.listings(COMPANY, limit=4)
    rest = listing_queries.listings(COMPANY, after=every[-1].id, limit=4)
    assert [each.id for each in (*every, *rest)] == [each.listing for each in reversed(made)]
    assert {each.side for each in listing_queries.listings(COMPANY, side="trusted")} == {"trusted"}
    assert [each.name for each in listing_queries.listings(COMPANY, text="c-3")] == ["C-3"]


@pytest.mark.counts("orders.list_buyers", "orders.unlist_buyers")
def test_statements_do_not_grow_with_the_batch(statements):
    counts = []
    for batch in SIZES:
        with statements() as ran:
            wanted = [ListBuyer(COMPANY, "blocked", f"customer:C-{batch}-{n}", "why") for n in range(batch)]
            made = list_buyers(CAUSE, requests=wanted)
        counts.append([len(ran.texts)])
        with statements() as ran:
            unlist_buyers(CAUSE, requests=[UnlistBuyer(one.listing, "why") for one in made])
        counts[-1].append(len(ran.texts))
    assert counts[0] == counts[1] == counts[2]


def test_placing_asks_the_list_by_no_more_statements_for_many_orders(statements):
    listed(MAIL)
    counts = []
    for batch in SIZES:
        wanted = [an_order(f"{batch}-{n}", address=HOME, postal_code="GU23 6NQ") for n in range(batch)]
        with statements() as ran:
            assert all(one.holds for one in placed(*wanted))
        counts.append(len(ran.texts))
    assert counts[1] == counts[2]
