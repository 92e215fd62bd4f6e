"""orders.place and orders.edit: what validation loads, finds and keeps, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import queries as kernel
from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import errors, queries
from entrepot.orders.commands.cancel import CancelOrder, cancel
from entrepot.orders.commands.draft import PlaceDraft, SaveDraft, draft, place_draft
from entrepot.orders.commands.edit import AddLine, EditOrder, edit
from entrepot.orders.commands.forget import KEPT, ForgetFingerprints, forget_fingerprints
from entrepot.orders.commands.forget_buyers import ForgetBuyer, forget_buyers
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.orders.commands.merge import MergeOrders, merge
from entrepot.orders.commands.place import (
    AddressGiven,
    BillingGiven,
    OrderLine,
    PaymentGiven,
    Placed,
    PlaceOrder,
    place,
)
from entrepot.orders.commands.split import SplitOrder, split
from entrepot.orders.commands.take_payment import TakePayment, take_payment
from entrepot.orders.validation import Validation
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.payments.commands.capture import Capture, capture
from entrepot.stock.commands.reserve import Reserve, reserve
from entrepot.tax.commands.exempt import RegisterExemption, register_exemptions
from entrepot.tax.commands.register import RegisterRate, register_rates
from tests.floor import COMPANY as FLOOR
from tests.floor import SYSTEM, a_floor
from tests.selling import CAUSE, COMPANY, NOW, a_line, a_seller, an_order, placed, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

HOME = AddressGiven("Ada King", "12, High St.", "Ockham", email="ada+shop@Example.com")
ABROAD = BillingGiven("Ada King", "1 Rue de Rivoli", "Paris", "FR", "75001")


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def steer(**fields: Any) -> None:
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", Validation(**fields), NOW)])


def home(external_id: str, *lines: OrderLine, **changes: Any) -> PlaceOrder:
    return an_order(external_id, *lines, **{"address": HOME, "postal_code": "gu236nq", **changes})


def reasons(order) -> list[str]:
    return [one.reason for one in queries.order(order.order).holds]


def everywhere(text: str) -> list[str]:
    """Tables in which a text stands."""
    tables = [
        table for (table,) in sql.run("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
    ]
    return [
        table
        for table in tables
        if sql.run(f"SELECT 1 FROM {table} AS t WHERE t::text ILIKE %(text)s LIMIT 1", {"text": f"%{text}%"})
    ]


# ---- warnings


def test_what_a_rule_only_notices_is_in_the_answer_and_on_the_order():
    steer(address="warn", box="warn", box_services_refused=("courier",))
    (one,) = placed(home("E1", country="England", service="Courier", address=replace(HOME, line1="PO Box 7")))

    assert (one.status, one.holds) == ("ready", ())
    assert [tuple(each) for each in one.warnings] == [
        ("address", "The country is no ISO code of two letters."),
        ("box", "Courier brings nothing to a PO box."),
    ]
    told = [(each.rule, each.reason, each.at) for each in queries.order(one.order).warnings]
    assert told == [(*each, NOW) for each in one.warnings]


def test_a_key_gets_the_warnings_again():
    steer(address="warn")
    request = an_order(country="England", key="k")
    assert placed(request) == placed(request)


# ---- payment


def test_invariant_17_a_payment_in_another_currency_holds_and_counts_for_nothing():
    euros = PaymentGiven("account", "auth-1", 10_00, NOW, currency="EUR")
    (one,) = placed(an_order(payment=euros))

    assert reasons(one) == ["The payment is in EUR, the order in GBP."]
    assert sql.run("SELECT currency, authorized_minor FROM payments_payment") == [("EUR", 10_00)]
    (captured,) = capture(CAUSE, requests=[Capture(one.order, 10_00, currency="GBP")])
    assert (captured.captured_minor, captured.missing_minor) == (0, 10_00)

    (taken,) = take_payment(
        CAUSE,
        requests=[TakePayment(one.order, PaymentGiven("account", "auth-2", 10_00, NOW, currency="EUR"))],
    )
    assert taken.released == ()
    (taken,) = take_payment(
        CAUSE, requests=[TakePayment(one.order, PaymentGiven("account", "auth-3", 10_00, NOW))]
    )
    assert len(taken.released) == 1


def test_the_number_of_a_card_is_refused_and_not_repeated():
    (answer,) = place(
        CAUSE, requests=[an_order(payment=PaymentGiven("fake", "x", 1, NOW, card="4111 1111 1111 1111"))]
    )
    assert type(answer) is errors.Unplaceable
    assert "4111" not in answer.message
    assert everywhere("4111 1111") == everywhere("41111111") == []


# ---- velocity


@pytest.mark.parametrize("kind", ["card", "address", "email"])
def test_orders_by_one_card_address_or_mail_address_are_counted(kind):
    others = dict.fromkeys({"card", "address", "email"} - {kind})
    steer(velocity="enforce", **{f"velocity_{kind}_max": 3} | {f"velocity_{one}_max": None for one in others})

    def one(i: int, at=NOW):
        given = PaymentGiven("fake", f"p{i}", 10_00, NOW, card="tok-1" if kind == "card" else f"tok-{i}")
        where = AddressGiven(
            f"Name {i}", "12 high st" if kind == "address" else f"{i} High St", "Ockham",
            email="ADA@example.com" if kind == "email" else f"{i}@example.com",
        )  # fmt: skip
        return home(f"E{i}", payment=given, address=where, occurred_at=at)

    answers = placed(one(1, NOW - timedelta(minutes=61)), one(2, NOW - timedelta(minutes=60)), one(3))
    assert [each.holds for each in answers] == [()] * 3
    answers = placed(one(4), one(5))

    assert [each.holds for each in answers] == [(), ("fraud review",)]
    (hold,) = queries.order(answers[1].order).holds
    assert hold.facts["orders"] == {kind: 4}
    assert hold.reason.startswith("Many orders within 60 minutes: 4 by one ")


def test_orders_that_a_channel_sends_again_are_not_counted_twice():
    steer(velocity="enforce", duplicates="enforce")
    cart = [home(f"E{i}", a_line(("MUG", "PEN", "TIN")[i]), customer="C1") for i in range(3)]
    placed(*cart[:2])
    answers = place(CAUSE, requests=cart)
    assert [type(each) for each in answers] == [errors.Duplicate, errors.Duplicate, Placed]
    assert answers[2].holds == ()
    assert rows("orders_fingerprint") == 6


def test_a_cancelled_order_is_not_counted_and_without_a_policy_nothing_is_kept():
    placed(home("E0"))
    assert rows("orders_fingerprint") == 0
    steer(velocity="enforce", velocity_address_max=1, velocity_email_max=None)
    (first,) = placed(home("E1"))
    cancel(CAUSE, requests=[CancelOrder(first.order, "no")])
    (second,) = placed(home("E2"))
    assert second.holds == ()


def test_invariant_16_fingerprints_are_all_that_leaves_the_vault():
    steer(velocity="enforce")
    placed(home("E1", billing=ABROAD, tax_number="FR 40 303 265 045"))
    for text in ("ada king", "high st", "rivoli", "303265045"):
        assert everywhere(text) == [], text


@pytest.mark.counts("orders.forget_fingerprints")
def test_forgetting_takes_one_statement_for_any_number_of_requests(statements):
    for size in SIZES:
        with statements():
            forget_fingerprints(CAUSE, requests=[ForgetFingerprints(NOW)] * size)


def test_fingerprints_are_forgotten_when_no_policy_can_count_them_any_more():
    steer(velocity="enforce")
    placed(home("E1", occurred_at=NOW - KEPT - timedelta(seconds=1)), home("E2"))
    requests = [ForgetFingerprints(NOW - KEPT), ForgetFingerprints(NOW - KEPT - timedelta(days=1))]
    assert [each.rows for each in forget_fingerprints(CAUSE, requests=requests)] == [2, 0]
    assert rows("orders_fingerprint") == 2


def test_a_draft_keeps_what_is_personal_in_the_vault_alone():
    (answer,) = draft(CAUSE, requests=[SaveDraft(an_order("", billing=ABROAD))])
    assert type(answer) is Invalid
    (answer,) = draft(CAUSE, requests=[SaveDraft(an_order("", address=HOME, tax_number="GB980780684"))])
    for personal in (HOME.name, HOME.line1, HOME.email, "980780684"):
        assert everywhere(personal) == []
    (made,) = place_draft(CAUSE, requests=[PlaceDraft(answer.draft)])
    order = queries.order(made.order)
    assert parties.address(order.address_id).line1 == HOME.line1
    assert parties.address(order.billing_id).tax_number == "GB980780684"
    (another,) = draft(CAUSE, requests=[SaveDraft(an_order("", address=HOME))])
    (own,) = place_draft(CAUSE, requests=[PlaceDraft(another.draft, replace(HOME, city="Ripley"))])
    assert parties.address(queries.order(own.order).address_id).city == "Ripley"


def test_lists_name_mail_addresses_and_places_by_the_fingerprints_of_the_vault():
    (first,) = placed(home("E1"))
    kept = parties.address(queries.order(first.order).address_id)
    place_, mail = kept.fingerprints
    assert (place_[:8], mail[:6]) == ("address:", "email:")

    steer(blocked="enforce", blocked_fingerprints=(mail.upper().replace("EMAIL", "email"),))
    other = AddressGiven("Bob", "9 Low Road", "Ripley", email="ADA@example.com")
    same, another = placed(
        home("E2", address=other), home("E3", address=replace(other, email="bob@example.com"))
    )
    assert (same.holds, another.holds) == (("fraud review",), ())

    steer(newcomer="enforce", newcomer_max_minor=0, trusted_fingerprints=(place_,))
    same, another = placed(home("E4", address=replace(HOME, line1="12 HIGH ST")), home("E5", address=other))
    assert (same.holds, another.holds) == ((), ("fraud review",))


# ---- newcomers


def test_who_was_only_registered_before_is_new_and_who_has_ordered_is_not():
    steer(newcomer="enforce", newcomer_max_minor=9_99)
    register_customers(CAUSE, requests=[RegisterCustomer(COMPANY, "C-1"), RegisterCustomer(COMPANY, "C-2")])
    one, again, other = placed(
        an_order("E1", customer="C-1"), an_order("E2", customer="C-1"), an_order("E3", customer="C-2")
    )
    assert [each.holds for each in (one, again, other)] == [("fraud review",), (), ("fraud review",)]
    whole(cancel(CAUSE, requests=[CancelOrder(other.order, "fraud")]))
    third, still = placed(an_order("E4", customer="C-1"), an_order("E5", customer="C-2"))
    assert (third.holds, still.holds) == ((), ("fraud review",)), "a cancelled order makes nobody known"


def test_who_is_new_is_asked_by_one_statement_for_any_number_and_only_where_a_policy_asks(statements):
    counts = set()
    for mode in ("enforce", "off"):
        steer(newcomer=mode)
        for size in SIZES:
            orders = [an_order(f"{mode} {size} {i}", customer=f"C-{size}-{i}") for i in range(size)]
            with statements() as ran:
                placed(*orders)
            counts.add((mode, sum("o.customer_id = d.customer" in text for text in ran.texts)))
            counts.add((f"{mode} waits", sum("pg_advisory_xact_lock" in text for text in ran.texts)))
    assert counts == {("enforce", 1), ("off", 0), ("enforce waits", 1), ("off waits", 0)}


# ---- duplicates, lists in any case


def test_a_duplicate_is_of_the_same_lines_however_they_are_cut():
    steer(duplicates="enforce")
    one, again, other = placed(
        an_order("E1", a_line("MUG", 2), a_line("PEN"), customer="C1"),
        an_order("E2", a_line("PEN"), a_line("MUG"), a_line("MUG", price="9.00"), customer="C1"),
        an_order("E3", a_line("MUG", 3), customer="C1"),
    )
    (late,) = placed(an_order("E4", a_line("MUG", 3), customer="C1", occurred_at=NOW + timedelta(minutes=11)))
    (stored,) = placed(an_order("E5", a_line("MUG", 2), a_line("PEN", 1, "1"), customer="C1"))
    assert [each.holds for each in (one, again, other, late, stored)] == [
        (),
        ("fraud review",),
        (),
        (),
        ("fraud review",),
    ]


def test_a_duplicate_may_be_older_than_an_hour_where_the_policy_says_so():
    steer(duplicates="enforce", duplicate_minutes=180)
    placed(an_order("E1", customer="C1", occurred_at=NOW - timedelta(hours=2)))
    (one,) = placed(an_order("E2", customer="C1"))
    assert one.holds == ("fraud review",)


def test_lists_of_a_policy_match_in_any_case():
    steer(blocked="enforce", blocked_customers=("c-bad",))
    (one,) = placed(an_order(customer="C-Bad"))
    assert one.holds == ("fraud review",)


# ---- addresses


def test_the_vault_keeps_the_original_and_how_its_country_writes_it():
    (one,) = placed(home("E1", billing=ABROAD, tax_number="fr 40 303 265 045"))
    found = queries.order(one.order)
    there, billed = parties.address(found.address_id), parties.address(found.billing_id)

    assert (there.postal_code, there.line1, there.city) == ("gu236nq", "12, High St.", "Ockham")
    assert there.written_otherwise == ("12, High St.", "", "OCKHAM", "", "GU23 6NQ", "GB")
    assert (billed.name, billed.country, billed.tax_number, billed.tax_number_kind) == (
        "Ada King", "FR", "FR40303265045", "VAT number of FR",
    )  # fmt: skip


def test_a_tax_number_alone_is_kept_and_its_form_is_checked():
    steer(tax_number="enforce")
    right, wrong, unknown = placed(
        an_order("E1", country="US", tax_number="91-1144442"), an_order("E2", country="DE", tax_number="DE 12"),
        an_order("E3", country="KP", tax_number="1"),
    )  # fmt: skip
    assert [each.holds for each in (right, wrong, unknown)] == [(), ("tax hold",), ()]
    assert "12" not in reasons(wrong)[0]
    kept = [parties.address(queries.order(each.order).billing_id) for each in (right, wrong)]
    assert [(each.tax_number, each.tax_number_kind) for each in kept] == [("911144442", "EIN"), ("DE12", "")]


def test_billing_in_another_country_is_reviewed_where_the_policy_asks():
    steer(mismatch="enforce")
    apart, same, none = placed(
        home("E1", billing=ABROAD), home("E2", billing=replace(ABROAD, country="GB")), home("E3")
    )
    assert [each.holds for each in (apart, same, none)] == [("fraud review",), (), ()]
    assert reasons(apart) == ["It is billed to another country than it is sent to."]


# ---- tax


def test_tax_is_worked_out_anew_by_place_category_and_shipping():
    steer(recompute="enforce", tax_tolerance_minor=1)
    day = date(2026, 1, 1)
    register_rates(CAUSE, requests=[
        RegisterRate(COMPANY, "GB", Decimal("0.2"), day),
        RegisterRate(COMPANY, "GB", Decimal(0), day, category="books"),
        RegisterRate(COMPANY, "US", Decimal(0), day), RegisterRate(COMPANY, "US", Decimal("0.0725"), day, "CA"),
    ])  # fmt: skip
    register_skus(CAUSE, requests=[RegisterSku(COMPANY, "BOOK", "Book", "books")])
    mixed = (a_line("MUG"), a_line("BOOK"))
    california = AddressGiven("Ada", "1 Main Street", "Los Angeles", region="California")
    answers = placed(
        an_order("E1", *mixed, shipping_minor=5_00, tax_minor=3_00),
        an_order("E2", *mixed, shipping_minor=5_00, tax_minor=2_00),
        an_order("E3", *mixed, discount_minor=10_00, tax_minor=1_01),
        an_order("E4", country="US", address=california, tax_minor=73),
        an_order("E5", country="US", tax_minor=0),
        an_order("E6", country="DE", tax_minor=1_90),
    )
    assert [each.status for each in answers] == ["ready", "tax hold", "ready", "ready", "ready", "tax hold"]
    assert reasons(answers[1]) == ["Less tax than it should be: 0 %, 20 % in GB."]
    assert reasons(answers[5]) == ["More tax than it should be: no rate is in force in DE."]


def test_who_is_exempt_or_owes_it_themselves_bears_none():
    steer(recompute="enforce", reverse_charge=True)
    sql.run("UPDATE parties_company SET country = 'FR'")
    register_rates(CAUSE, requests=[RegisterRate(COMPANY, "DE", Decimal("0.19"), date(2026, 1, 1))])
    register_customers(CAUSE, requests=[RegisterCustomer(COMPANY, "SCHOOL")])
    proof = RegisterExemption(COMPANY, "SCHOOL", "EX-9", date(2026, 1, 1), "DE", date(2026, 12, 31))
    register_exemptions(CAUSE, requests=[proof])
    answers = placed(
        an_order("E1", country="DE", tax_minor=1_90), an_order("E2", country="DE", customer="SCHOOL"),
        an_order("E3", country="DE", customer="SCHOOL", tax_minor=1_90),
        an_order("E4", country="DE", tax_number="DE136695976"), an_order("E5", country="DE", tax_number="DE136695977"),
    )  # fmt: skip
    assert [each.status for each in answers] == ["ready", "ready", "tax hold", "ready", "tax hold"]
    assert reasons(answers[2]) == ["More tax than it should be: the customer is exempt by EX-9."]


# ---- prices


def listed(price: str, at) -> None:
    register_skus(
        Cause(CAUSE.actor, at), requests=[RegisterSku(COMPANY, "MUG", "Mug", list_price=Decimal(price))]
    )


def test_a_list_price_that_changed_between_order_and_intake_holds():
    listed("10.00", NOW - timedelta(days=9))
    listed("12.00", NOW - timedelta(days=2))
    steer(changed="enforce", changed_max=0.1)
    before, after = placed(
        an_order("E1", occurred_at=NOW - timedelta(days=3)),
        an_order("E2", occurred_at=NOW - timedelta(days=1)),
    )
    assert reasons(before) == ["List prices have changed since: MUG from 10 to 12."]
    assert after.holds == ()


def test_a_quote_is_told_that_its_prices_have_changed_since():
    listed("10.00", NOW - timedelta(days=9))
    steer(changed="warn")
    (quote,) = draft(CAUSE, requests=[SaveDraft(an_order(""))])
    later = Cause(CAUSE.actor, NOW + timedelta(days=5))
    listed("12.00", NOW + timedelta(days=1))
    (one,) = place_draft(later, requests=[PlaceDraft(quote.draft)])
    assert [each.rule for each in one.warnings] == ["changed"]


# ---- orders.edit


def an_edit(order, **changes: Any) -> EditOrder:
    return EditOrder(order.order, "the customer asked", **changes)


def test_a_new_address_is_validated_as_if_the_order_were_placed():
    steer(format="enforce", box="warn", box_services_refused=("courier",))
    one, other = placed(home("E1", service="courier"), home("E2"))
    box = AddressGiven("Ada", "PO Box 7", "")
    first, second = edit(CAUSE, requests=[
        an_edit(one, address=box, postal_code="12345"), an_edit(other, address=replace(HOME, line1="13 High St")),
    ])  # fmt: skip

    assert (first.status, first.holds) == ("address hold", ("address hold",))
    assert [each.rule for each in first.warnings] == ["box"]
    assert (second.status, second.holds, second.warnings) == ("ready", (), ())
    view = queries.order(one.order)
    assert view.holds[0].reason == (
        "The postal code is none of its country. An address in United Kingdom needs a city. The postal code has not the"
        " form of United Kingdom, such as EC1Y 8SY."
    )
    assert [each.rule for each in view.warnings] == ["box"]
    (again,) = edit(CAUSE, requests=[an_edit(one, postal_code="54321")])
    assert again.holds == ()
    assert len(queries.order(one.order).holds) == 1


def test_a_new_address_is_held_against_the_billing_and_the_lists():
    steer(mismatch="enforce", mismatch_from="street", blocked="enforce")
    same = BillingGiven("Ada", "12 High St", "Ockham", "GB", "GU23 6NQ")
    (one,) = placed(home("E1", billing=same))
    assert one.holds == ()
    (moved,) = edit(CAUSE, requests=[an_edit(one, address=replace(HOME, line1="9 Low Road"))])
    assert moved.holds == ("fraud review",)

    (mail,) = [
        each for each in parties.address(queries.order(one.order).address_id).fingerprints if "email" in each
    ]
    steer(blocked="enforce", blocked_fingerprints=(mail,))
    (two,) = placed(home("E2", address=replace(HOME, email="")))
    (moved,) = edit(CAUSE, requests=[an_edit(two, address=HOME)])
    assert moved.holds == ("fraud review",)


def test_a_tax_number_alone_is_no_place_to_be_billed_at():
    steer(mismatch="enforce", mismatch_from="street")
    (one,) = placed(home("E1", tax_number="980780684"))
    (moved,) = edit(CAUSE, requests=[an_edit(one, address=replace(HOME, line1="9 Low Road"))])
    assert (one.holds, moved.holds) == ((), ())


def test_an_order_that_a_change_cancels_is_not_held_by_it():
    (one,) = placed(home("E1"))
    (line,) = queries.order(one.order).lines
    (gone,) = edit(CAUSE, requests=[an_edit(one, remove=((line.id, 1),), postal_code="12345")])
    assert (gone.status, gone.holds) == ("cancelled", ())
    assert queries.order(one.order).holds == ()


def test_a_new_service_is_asked_about_hazardous_goods():
    sql.run("UPDATE catalog_sku SET hazardous = true WHERE code = 'TIN'")
    steer(hazard="enforce", hazards_refused=("Air>",))
    tin, mug = placed(an_order("E1", a_line("TIN")), an_order("E2"))
    answers = edit(CAUSE, requests=[an_edit(tin, service="air"), an_edit(mug, service="air")])
    assert [each.holds for each in answers] == [("exception",), ()]


def a_service(code: str) -> None:
    zones, rates = (("GB", "GB", "inland"),), (("inland", 30_000, 345),)
    request = RegisterService(COMPANY, "nx", code, code, 1, 30_000, "GBP", zones, rates)
    register_services(CAUSE, requests=[request])


def test_a_service_alone_is_asked_about_the_box_that_the_order_goes_to():
    steer(box="enforce", box_services_refused=("courier",))
    there = replace(HOME, line1="PO Box 7")
    box, house = placed(home("E1", address=there), home("E2"))
    answers = edit(CAUSE, requests=[an_edit(box, service="courier"), an_edit(house, service="courier")])
    assert [each.holds for each in answers] == [("address hold",), ()]
    assert reasons(box) == ["courier brings nothing to a PO box."]

    (back,) = edit(CAUSE, requests=[an_edit(box, service="post")])
    assert (back.released, back.status) == (("address hold",), "ready")


# ---- orders.edit: goods that come

ADULT = "UPDATE catalog_sku SET minimum_age = 18, hazardous = true, hs_code = '8806' WHERE code = 'TIN'"
COMES = {
    "an age that is not proved": ({}, ("exception",), "The customer's age is not proved for TIN."),
    "export control": (
        {"catalog": "off", "export": "enforce", "exports_refused": ("hs:88>GB",)}, ("exception",),
        "May not be sent to GB: TIN.",
    ),
    "hazardous goods": (
        {"catalog": "off", "hazard": "enforce", "hazards_refused": (">GB",)}, ("exception",),
        "Hazardous goods may not go this way: TIN.",
    ),
    "a price below the floor": (
        {"catalog": "off", "price": "enforce", "price_floor": 0.9}, ("exception",), "Sold below the floor: TIN.",
    ),
    "an amount that is reviewed": (
        {"catalog": "off", "review_total_minor": 15_00}, ("fraud review",),
        "The amount is reviewed from this size on.",
    ),
    "a tax that can't be": (
        {"catalog": "off", "tax_max": 0.0001}, ("tax hold",), "The tax can't be right for this amount.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COMES)
def test_goods_that_come_are_asked_as_if_they_were_ordered(name):
    policy, holds, reason = COMES[name]
    sql.run(ADULT)
    sql.run("UPDATE catalog_sku SET list_price = 10")
    steer(**policy)
    one, other = placed(home("E1"), home("E2"))
    tin = AddLine("TIN", 1, Decimal(8), tax_minor=1_00 if "tax" in name else None)
    pen = AddLine("PEN", 1, Decimal(10), tax_minor=0) if "amount" not in name else None
    (answer, fine) = edit(
        CAUSE,
        own_prices=True,
        requests=[an_edit(one, add=(tin,)), an_edit(other, add=(pen,) if pen else (), priority=3)],
    )
    assert (answer.holds, answer.status) == (holds, holds[0])
    assert reasons(one) == [reason]
    assert (fine.holds, fine.status) == ((), "ready")


def test_goods_that_come_only_warn_or_pass_where_the_policy_says_so():
    sql.run(ADULT)
    steer(catalog="warn")
    one, other = placed(home("E1"), home("E2"))
    (warned,) = edit(CAUSE, requests=[an_edit(one, add=(AddLine("TIN", 1, Decimal(10)),))], own_prices=True)
    assert (warned.holds, [each.rule for each in warned.warnings]) == ((), ["catalog"])
    steer(catalog="off")
    (spared,) = edit(CAUSE, requests=[an_edit(other, add=(AddLine("TIN", 1, Decimal(10)),))], own_prices=True)
    assert (spared.holds, spared.warnings) == ((), ())


def test_more_of_what_an_age_was_proved_for_holds_nothing():
    sql.run(ADULT)
    (one,) = placed(home("E1", a_line("TIN"), signals=("age:18",)))
    assert one.holds == ()
    (line,) = queries.order(one.order).lines
    swap = an_edit(one, add=(AddLine("TIN", 2, like=line.id),), remove=((line.id, 1),))
    (more,) = edit(CAUSE, requests=[swap])
    assert (more.holds, more.status) == ((), "ready")


def test_an_age_that_the_channel_proved_counts_for_what_comes_later():
    sql.run(ADULT)
    (proved, other) = placed(home("E1", signals=("age:18",)), home("E2", signals=("age:16",)))
    comes = (AddLine("TIN", 1, Decimal(10)),)

    answers = edit(CAUSE, requests=[an_edit(one, add=comes) for one in (proved, other)], own_prices=True)

    assert [one.holds for one in answers] == [(), ("exception",)]
    assert queries.order(proved.order).signals == ["age:18"]


def test_a_hold_for_what_is_discontinued_ends_though_something_else_asks_for_an_age_that_is_proved():
    sql.run(ADULT)
    sql.run("UPDATE catalog_sku SET status = 'discontinued' WHERE code = 'PEN'")
    (one,) = placed(home("E1", a_line("TIN"), a_line("PEN"), signals=("age:18",)))
    assert one.holds == ("inventory hold",)
    pen = queries.order(one.order).lines[1]

    (less,) = edit(CAUSE, requests=[an_edit(one, remove=((pen.id, 1),))])

    assert (less.released, less.status) == (("inventory hold",), "ready")


def test_more_to_pay_on_delivery_than_may_be_is_held_and_less_ends_it():
    steer(cash="enforce", cash_max_minor=30_00)
    (one,) = placed(home("E1", a_line("MUG", 2), signals=("cash_on_delivery",)))
    assert one.holds == ()

    (more,) = edit(CAUSE, requests=[an_edit(one, add=(AddLine("MUG", 1, Decimal(20)),))], own_prices=True)
    assert more.holds == ("payment hold",)
    (again,) = edit(CAUSE, requests=[an_edit(one, add=(AddLine("MUG", 1, Decimal(20)),))], own_prices=True)
    assert again.holds == ()  # it waits for that already
    lines = queries.order(one.order).lines[1:]
    (less,) = edit(CAUSE, requests=[an_edit(one, remove=tuple((line.id, 1) for line in lines))])
    assert (less.released, less.status) == (("payment hold",), "ready")


def test_who_let_cash_on_delivery_go_is_asked_again_when_it_becomes_more_and_not_when_it_becomes_less():
    steer(cash="enforce", cash_max_minor=15_00)
    (one,) = placed(home("E1", a_line("MUG", 3), signals=("cash_on_delivery",)))
    (hold,) = queries.order(one.order).holds
    whole(release_holds(CAUSE, requests=[ReleaseHold(hold.id, "called them", "confirmed")]))
    (line,) = queries.order(one.order).lines

    swap = {"add": (AddLine("MUG", 1, like=line.id),), "remove": ((line.id, 2),)}
    (less,) = edit(CAUSE, requests=[an_edit(one, **swap)])
    assert less.holds == ()
    (more,) = edit(CAUSE, requests=[an_edit(one, add=(AddLine("MUG", 1, like=line.id),))])
    assert more.holds == ("payment hold",)


def test_what_was_held_for_cash_before_signals_were_kept_is_still_to_be_paid_on_delivery():
    steer(cash="enforce", cash_max_minor=15_00)
    (one,) = placed(home("E1", a_line("MUG", 2), signals=("cash_on_delivery",)))
    sql.run("UPDATE orders_order SET signals = '{}'")
    (line,) = queries.order(one.order).lines

    (more,) = edit(CAUSE, requests=[an_edit(one, add=(AddLine("MUG", 1, like=line.id),))])

    assert (one.holds, more.released, more.status) == (("payment hold",), (), "payment hold")


def test_what_the_channel_reported_is_reviewed_once_and_hides_no_size_that_is_reviewed():
    steer(review_total_minor=50_00)
    (one,) = placed(home("E1", a_line("MUG", 2), signals=("high_risk",)))
    (hold,) = queries.order(one.order).holds
    whole(release_holds(CAUSE, requests=[ReleaseHold(hold.id, "called them", "confirmed")]))

    (more,) = edit(CAUSE, requests=[an_edit(one, add=(AddLine("MUG", 1, Decimal(10)),))], own_prices=True)
    assert more.holds == ()
    (much,) = edit(CAUSE, requests=[an_edit(one, add=(AddLine("MUG", 1, Decimal(40)),))], own_prices=True)
    assert much.holds == ("fraud review",)
    assert reasons(one)[-1] == "The amount is reviewed from this size on."


def test_signals_go_along_with_a_split_and_with_a_merge_and_go_with_the_person():
    (one, other) = placed(
        home("E1", a_line("MUG", 2), a_line("PEN"), signals=("age:18",), customer="C-1"),
        home("E2", a_line("MUG"), signals=("vip", "age:18"), customer="C-1"),
    )
    pen = queries.order(one.order).lines[1]
    (parted,) = split(CAUSE, requests=[SplitOrder(one.order, ((pen.id, 1),), "later")])
    assert queries.order(parted.new_order).signals == ["age:18"]
    whole(merge(CAUSE, requests=[MergeOrders(one.order, (other.order,), "one parcel")]))
    assert queries.order(one.order).signals == ["age:18", "vip"]

    forget_buyers(CAUSE, requests=[ForgetBuyer(COMPANY, (one.order,))])
    assert queries.order(one.order).signals == []


def test_goods_that_come_with_another_service_are_asked_about_both():
    sql.run(ADULT)
    steer(catalog="off", hazard="enforce", hazards_refused=("air>",))
    (one,) = placed(home("E1", service="sea"))
    change = an_edit(one, add=(AddLine("TIN", 1, Decimal(10)),), service="air")
    (held,) = edit(CAUSE, requests=[change], own_prices=True)
    assert held.holds == ("exception",)
    assert reasons(one) == ["Hazardous goods may not go this way: TIN."]


def test_what_a_person_let_pass_is_not_asked_of_again_because_of_what_comes():
    sql.run(ADULT)
    (one,) = placed(home("E1", a_line("TIN")))
    (hold,) = queries.order(one.order).holds
    whole(release_holds(CAUSE, requests=[ReleaseHold(hold.id, "seen the passport", "confirmed")]))
    (more,) = edit(CAUSE, requests=[an_edit(one, add=(AddLine("PEN", 1, Decimal(5)),))], own_prices=True)
    assert (more.holds, more.status) == ((), "ready")


# ---- orders.edit: holds that a change puts right


def test_an_address_that_is_put_right_ends_the_hold_of_the_rules_and_no_other():
    steer(format="enforce", address_required=True)
    one, asked = placed(home("E1", postal_code="12345"), home("E2", postal_code="12345"))
    person = whole(place_hold(CAUSE, requests=[PlaceHold(asked.order, "address hold", "ask her sister")]))[0]
    still, moved, too = edit(CAUSE, requests=[
        an_edit(one, postal_code="54321"),
        an_edit(asked, postal_code="GU23 6NQ"),
    ]) + edit(CAUSE, requests=[an_edit(one, postal_code="GU23 6NQ")])  # fmt: skip

    assert (still.released, still.status) == ((), "address hold")
    assert (moved.released, moved.status) == (("address hold",), "address hold")
    assert [each.id for each in queries.order(asked.order).holds if each.state == "open"] == [person.hold]
    assert (too.released, too.status, too.holds) == (("address hold",), "ready", ())
    (gone,) = queries.order(one.order).holds
    assert (gone.state, gone.resolution) == ("released", "corrected")
    assert gone.note == "The order was changed, and the rules that held it find nothing any more."
    ends = [each.reason for each in kernel.timeline(subjects=[gone.id]) if each.after == "released"]
    assert ends == [gone.note]
    assert ready.waiting()["allocate"]


def test_another_reason_of_the_same_type_takes_the_place_of_the_one_that_was_put_right():
    steer(region="enforce", regions_refused=("GBBT",))
    (one,) = placed(home("E1", postal_code="12345"))
    (moved,) = edit(CAUSE, requests=[an_edit(one, postal_code="BT1 1AA")])
    assert (moved.released, moved.holds, moved.status) == (("address hold",),) * 2 + ("address hold",)
    assert reasons(one)[-1] == "Nothing is sent to GBBT."
    assert [each.state for each in queries.order(one.order).holds] == ["released", "open"]


def test_what_held_an_order_and_is_taken_out_holds_it_no_more():
    sql.run(ADULT)
    (one,) = placed(home("E1", a_line("TIN"), a_line("MUG")))
    tin, _ = queries.order(one.order).lines
    (urgent,) = edit(CAUSE, requests=[an_edit(one, priority=9)])
    assert (urgent.released, urgent.status) == ((), "exception")
    (without,) = edit(CAUSE, requests=[an_edit(one, remove=((tin.id, 1),))])
    assert (without.released, without.status) == (("exception",), "ready")


def test_what_is_found_beside_a_hold_of_its_type_for_something_else_holds_as_well():
    sql.run(ADULT)
    (one,) = placed(home("E1"))
    (person,) = whole(place_hold(CAUSE, requests=[PlaceHold(one.order, "exception", "ask her first")]))
    tin = AddLine("TIN", 1, Decimal(10))
    (held,) = edit(CAUSE, requests=[an_edit(one, add=(tin,))], own_prices=True)
    assert held.holds == ("exception",)
    whole(release_holds(CAUSE, requests=[ReleaseHold(person.hold, "she agrees", "confirmed")]))
    assert queries.order(one.order).status == "exception", "her age is not proved all the same"
    (again,) = edit(CAUSE, requests=[an_edit(one, add=(AddLine("PEN", 1, Decimal(10)),))], own_prices=True)
    assert again.holds == ()


def test_whom_to_trust_is_for_people_whatever_is_changed():
    steer(mismatch="enforce", mismatch_from="street")
    same = BillingGiven("Ada", "12 High St", "Ockham", "GB", "GU23 6NQ")
    (one,) = placed(home("E1", address=replace(HOME, line1="9 Low Road"), billing=same))
    (moved,) = edit(CAUSE, requests=[an_edit(one, address=HOME)])
    assert (one.holds, moved.released, moved.status) == (("fraud review",), (), "fraud review")


def test_changes_that_add_and_put_right_take_as_many_statements_for_any_number(statements):
    sql.run(ADULT)
    steer(format="enforce", inventory="warn")
    counts = set()
    for size in SIZES:
        orders = placed(*(home(f"{size} {i}", postal_code="12345") for i in range(size)))
        line = AddLine("TIN", 1, Decimal(10))
        wanted = [an_edit(one, postal_code="GU23 6NQ", add=(line,)) for one in orders]
        with statements() as ran:
            answers = edit(CAUSE, requests=wanted, own_prices=True)
        assert {(each.released, each.holds) for each in answers} == {(("address hold",), ("exception",))}
        counts.add(len(ran))
    assert len(counts) == 1, counts


# ---- orders.edit: taxes


def the_rates() -> None:
    rates = (("US", "CA", "0.1"), ("US", "NY", "0.2"), ("GB", "", "0.2"), ("DE", "", "0.19"))
    register_rates(CAUSE, requests=[
        RegisterRate(COMPANY, country, Decimal(rate), date(2020, 1, 1), region) for country, region, rate in rates
    ])  # fmt: skip


CALIFORNIA = AddressGiven("Ada", "1 Mission St", "San Francisco", region="CA")
NEW_YORK = AddressGiven("Ada", "1 Broadway", "New York", region="NY")


def american(external_id: str, *lines: OrderLine, **changes: Any) -> PlaceOrder:
    return an_order(
        external_id, *lines, **{"country": "US", "address": CALIFORNIA, "postal_code": "94105"} | changes
    )


def test_a_move_to_another_state_is_told_about_its_tax_and_bears_it_where_that_is_asked():
    the_rates()
    steer(recompute="enforce")
    lines = (a_line("MUG", 3, "3.33"), a_line("PEN", 1, "0.05"))
    paid = PaymentGiven("account", "P", 11_04, NOW)
    one, other = placed(
        american("E1", *lines, tax_minor=1_00, payment=paid),
        american("E2", *lines, tax_minor=1_00, payment=replace(paid, reference="P2")),
    )
    assert (one.holds, other.holds) == ((), ())
    move = {"address": NEW_YORK, "postal_code": "10004"}
    left, taxed = edit(CAUSE, requests=[an_edit(one, **move), an_edit(other, **move, retax=True)])

    assert (left.holds, left.total_minor) == (("tax hold",), 11_04)
    assert reasons(one) == ["Less tax than it should be: 20 % in US-NY."]
    assert (taxed.before_minor, taxed.total_minor, taxed.holds) == (11_04, 12_05, ("payment hold",))
    assert taxed.uncovered_minor == 1_01
    view = queries.order(other.order)
    assert [(each.sku_code, each.tax_minor, each.cancelled) for each in view.lines] == [
        ("MUG", 1_00, 3), ("PEN", 0, 1), ("MUG", 2_00, 0), ("PEN", 1, 0),
    ]  # fmt: skip

    (mended,) = edit(CAUSE, requests=[an_edit(one, retax=True)])
    assert (mended.released, mended.holds, mended.total_minor) == (("tax hold",), ("payment hold",), 12_05)


def test_a_tax_number_takes_the_tax_off_and_what_was_captured_of_it_is_given_back():
    the_rates()
    steer(recompute="enforce", reverse_charge=True)
    sql.run("UPDATE parties_company SET country = 'FR'")
    paid = PaymentGiven("account", "P", 11_90, NOW)
    (one,) = placed(
        an_order("E1", country="DE", tax_minor=1_90, tax_number="DE136695977", address=HOME, payment=paid)
    )
    assert one.holds == ()
    whole(capture(CAUSE, requests=[Capture(one.order, 11_90)]))
    (again,) = edit(CAUSE, requests=[an_edit(one, tax_number="DE136695976", retax=True)])

    assert (again.before_minor, again.total_minor, again.refunded_minor) == (11_90, 10_00, 1_90)
    assert again.holds == ()
    billing = parties.address(queries.order(one.order).billing_id)
    assert (billing.tax_number, billing.line1) == ("DE136695976", "")
    assert not {"kernel_event", "orders_hold", "work_item"} & set(everywhere("DE136695976"))


def test_a_wrong_tax_number_is_put_right_and_who_is_billed_stays_beside_it():
    steer(tax_number="enforce")
    bill = BillingGiven("Ada King", "Pariser Platz 1", "Berlin", "DE", "10117")
    (one,) = placed(home("E1", billing=bill, tax_number="DE136695977"))
    assert one.holds == ("tax hold",)
    (still,) = edit(CAUSE, requests=[an_edit(one, tax_number="DE136695978")])
    assert (still.released, still.status) == ((), "tax hold")
    (right,) = edit(CAUSE, requests=[an_edit(one, tax_number="DE136695976")])
    assert (right.released, right.status) == (("tax hold",), "ready")
    kept = parties.address(queries.order(one.order).billing_id)
    assert (kept.tax_number, kept.line1, kept.country) == ("DE136695976", "Pariser Platz 1", "DE")

    edit(CAUSE, requests=[an_edit(one, billing=replace(ABROAD, line1="2 Rue de Rivoli"))])
    kept = parties.address(queries.order(one.order).billing_id)
    assert (kept.tax_number, kept.line1, kept.country) == ("DE136695976", "2 Rue de Rivoli", "FR")


def test_who_is_billed_elsewhere_from_now_on_is_reviewed_where_the_policy_asks():
    steer(mismatch="enforce", mismatch_from="country")
    (one,) = placed(home("E1"))
    (billed,) = edit(CAUSE, requests=[an_edit(one, billing=ABROAD)])
    assert (one.holds, billed.holds) == ((), ("fraud review",))


def test_an_order_that_came_without_a_country_is_given_one_and_none_another():
    the_rates()
    none, other = placed(home("E1", country=""), home("E2"))
    assert none.holds == ("address hold",)
    given, refused, unknown = edit(CAUSE, requests=[
        an_edit(none, country="GB", retax=True), an_edit(other, country="FR"),
    ]) + edit(CAUSE, requests=[an_edit(other, country="England")])  # fmt: skip
    assert (given.released, given.holds, given.total_minor) == (("address hold",), (), 12_00)
    view = queries.order(none.order)
    assert (view.country, parties.address(view.address_id).country) == ("GB", "GB")
    assert isinstance(refused, Invalid) and "GB: to another country it is another order" in refused.message
    assert isinstance(unknown, Invalid)
    (same,) = edit(CAUSE, requests=[an_edit(other, country="GB")])
    assert same.status == "ready"


def test_a_tax_that_nobody_knows_the_rates_of_or_with_lines_beside_it_is_refused():
    (one,) = placed(home("E1", tax_minor=2_00))
    (unknown,) = edit(CAUSE, requests=[an_edit(one, retax=True)])
    assert isinstance(unknown, Invalid) and "no rate is in force in GB" in unknown.message
    the_rates()
    (mixed,) = edit(CAUSE, requests=[an_edit(one, retax=True, add=(AddLine("PEN", 1, Decimal(1)),))])
    assert isinstance(mixed, Invalid)
    (same,) = edit(CAUSE, requests=[an_edit(one, retax=True)])
    assert (same.added, same.cancelled, same.total_minor) == ((), 0, 12_00)


def test_taxes_take_as_many_statements_for_any_number(statements):
    the_rates()
    steer(recompute="enforce")
    counts = set()
    for size in SIZES:
        orders = placed(*(american(f"{size} {i}", customer=f"C-{i}", tax_minor=5) for i in range(size)))
        wanted = [an_edit(one, address=NEW_YORK, tax_number="12-3456789", retax=True) for one in orders]
        with statements() as ran:
            answers = edit(CAUSE, requests=wanted)
        assert {(each.released, each.total_minor) for each in answers} == {(("tax hold",), 12_00)}
        counts.add(len(ran))
    assert len(counts) == 1, counts


def test_a_service_that_no_carrier_has_is_told_when_it_is_ordered_and_when_it_is_changed():
    a_service("NX-24")
    told = ("service", "No service is called NX-42: the one that suits best will be taken.")
    one, known, none = placed(
        home("E1", service="NX-42"), home("E2", service="NX-24"), home("E3", service="")
    )
    assert [[tuple(each) for each in x.warnings] for x in (one, known, none)] == [[told], [], []]
    assert one.holds == ()

    answers = edit(CAUSE, requests=[an_edit(known, service="NX-42"), an_edit(one, service="NX-24")])
    assert [[tuple(each) for each in x.warnings] for x in answers] == [[told], []]
    assert [queries.order(x.order).service for x in (one, known)] == ["NX-24", "NX-42"]
    assert edit(CAUSE, requests=[an_edit(known, service="")])[0].warnings == ()


def test_a_channel_may_hold_orders_of_services_that_no_carrier_has():
    steer(service="enforce")
    assert placed(home("E0", service="NX-42"))[0].holds == ()  # carried by our own means
    a_service("NX-24")
    assert placed(home("E1", service="NX-42"))[0].holds == ("address hold",)
    steer(service="off")
    (spared,) = placed(home("E2", service="NX-42"))
    assert (spared.holds, spared.warnings) == ((), ())


def test_a_policy_of_the_channel_steers_edits_and_imports_are_spared():
    set_policy(
        CAUSE,
        requests=[SetPolicy(COMPANY, "orders.validation", Validation(address="off"), NOW, scope="shop")],
    )
    (one,) = placed(home("E1"))
    (answer,) = edit(CAUSE, requests=[an_edit(one, postal_code="nowhere")])
    assert answer.holds == ()


def test_nothing_of_an_address_is_in_the_log_of_an_edit():
    (one,) = placed(home("E1"))
    edit(
        CAUSE,
        requests=[
            an_edit(one, address=AddressGiven("Zebedee", "77 Quarry Lane", "Ripley", email="z@q.example"))
        ],
    )
    for text in ("zebedee", "quarry", "q.example"):
        assert everywhere(text) == [], text


# ---- what a cart holds


def test_an_order_is_told_where_nothing_is_reserved_for_its_cart_any_more():
    floor = a_floor()
    floor.stock(0, 9)
    before = replace(SYSTEM, at=SYSTEM.at - timedelta(hours=2))
    requests = [
        Reserve(
            FLOOR, holder, floor.skus[0], None, floor.channels["shop"], 1, before.at + timedelta(hours=hours)
        )
        for holder, hours in (("held", 9), ("expired", 1))
    ]
    whole(reserve(before, requests=requests))
    found = {
        name: floor.order((0, 1), reservation=name).warnings for name in ("held", "expired", "never", "")
    }
    told = "Nothing is reserved for {0}: the order gets what is free."
    assert {name: [tuple(one) for one in warned] for name, warned in found.items()} == {
        "held": [],
        "expired": [("reservation", told.format("expired"))],
        "never": [("reservation", told.format("never"))],
        "": [],
    }
