"""orders.place"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import ready, sql
from entrepot.kernel.errors import Invalid, NotFound, RequestReused
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import errors, queries, validation
from entrepot.orders.commands.place import (
    AddressGiven,
    BillingGiven,
    PaymentGiven,
    Placed,
    PromotionGiven,
    place,
)
from entrepot.orders.promoting import PromotionPolicy, Promotions, PromotionTerms
from entrepot.orders.validation import Validation
from entrepot.orders.window import Windows
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.work import queries as work
from entrepot.work.rules import Priority
from tests.selling import CAUSE, COMPANY, NOW, a_line, a_seller, an_order, placed, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

TABLES = ("orders_order", "orders_line", "orders_hold", "work_item", "payments_payment", "parties_address")


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def test_an_order_is_placed_with_its_amounts_frozen_and_is_ready_for_sourcing():
    earlier = NOW - timedelta(days=90)
    request = an_order(
        "E7", a_line("MUG", 2, "10.00"), a_line("PEN", 1, "5.125", discount_minor=13),
        a_line("POST", 1, "4", kind="shipping"),
        customer="C9", discount_minor=5_00, shipping_minor=3_00, tax_minor=4_00, occurred_at=earlier, priority=7,
        payment=PaymentGiven("fake", "auth-1", 31_00, earlier),
    )  # fmt: skip

    (answer,) = placed(request)

    order = queries.order(answer.order)
    assert (answer.number[:3], answer.status, answer.holds) == ("SO-", "ready", ())
    assert (order.number, order.external_id, order.channel, order.customer) == (
        answer.number,
        "E7",
        "shop",
        "C9",
    )
    assert (order.status, order.commercial, order.payment, order.placed_at) == (
        "ready",
        "confirmed",
        "authorized",
        earlier,
    )
    assert (order.goods_minor, order.discount_minor, order.shipping_minor, order.tax_minor) == (
        29_13,
        5_13,
        3_00,
        4_00,
    )
    assert order.total_minor == 31_00
    frozen = [(one.gross_minor, one.discount_minor, one.shipping_minor, one.tax_minor) for one in order.lines]
    assert frozen == [(20_00, 4_00, 2_40, 3_20), (5_13, 1_13, 60, 80), (4_00, 0, 0, 0)]
    assert [one.kind for one in order.lines] == ["goods", "goods", "shipping"]
    assert [one.places for one in order.lines] == [{"open": 2}, {"open": 1}, {"open": 1}]
    assert order.lines[1].unit_price == Decimal("5.125")
    assert sql.run("SELECT queue, subject, priority, due_at FROM kernel_ready") == [
        ("allocate", answer.order, 7, earlier)
    ]
    (moment,) = queries.timeline(answer.order)
    assert (moment.before, moment.after, moment.occurred_at, moment.recorded_at) == (
        "",
        "ready",
        earlier,
        NOW,
    )
    assert sql.run("SELECT order_id, authorized_minor, state FROM payments_payment") == [
        (answer.order, 31_00, "authorized")
    ]


def test_numbers_ascend_with_the_batch():
    answers = placed(*(an_order(f"E{i}") for i in range(30)))
    numbers = [int(one.number[3:]) for one in answers]
    assert numbers == list(range(numbers[0], numbers[0] + 30))


def test_an_order_of_a_thousand_lines_keeps_every_cent():
    lines = [a_line(("MUG", "PEN", "TIN")[i % 3], i % 7 + 1, f"{i % 13}.{i % 1000:03}") for i in range(1_100)]
    (one,) = placed(an_order("E1", *lines, discount_minor=99_99, shipping_minor=12_34, tax_minor=5_67))
    order = queries.order(one.order)
    assert (len(order.lines), order.discount_minor) == (1_100, 99_99)
    assert sum(line.tax_minor for line in order.lines) == 5_67


def test_orders_of_services_only_are_offered_to_be_performed():
    placed(an_order("E1", a_line("M", 1, "-3.50", kind="manual"), country=""))
    assert ready.waiting() == {"perform": 1}


def test_an_address_goes_into_the_vault_and_nowhere_else():
    (one,) = placed(
        an_order(address=AddressGiven("Ada King", "12 High Street", "Ockham"), postal_code="GU23 6NQ")
    )
    kept = queries.order(one.order).address_id
    assert parties.address(kept).name == "Ada King"
    assert sql.run("SELECT count(*) FROM kernel_event AS e WHERE e::text LIKE '%%Ada%%'") == [(0,)]


def test_an_unknown_sku_is_held_and_its_line_is_kept():
    (one,) = placed(an_order("E1", a_line("MUG"), a_line("NEW", 3)))

    assert (one.status, one.holds) == ("inventory hold", ("inventory hold",))
    order = queries.order(one.order)
    assert [(line.sku_code, line.sku_id is None) for line in order.lines] == [("MUG", False), ("NEW", True)]
    (hold,) = order.holds
    assert (hold.type, hold.facts, hold.state) == ("inventory hold", {"unknown": ["NEW"]}, "open")
    assert hold.blocks == ["allocate", "release", "ship"]
    (item,) = work.of_subject(one.order)
    assert (item.id, item.type, item.role) == (hold.work_item, "inventory hold", "inventory manager")
    assert (order.commercial, ready.waiting()) == ("placed", {})


def test_several_holds_stand_beside_each_other_and_the_first_shows():
    (one,) = placed(an_order("E1", a_line("NEW"), country="England", signals=("high_risk",)))
    assert one.status == "fraud review"
    assert set(one.holds) == {"fraud review", "address hold", "inventory hold"}
    assert len(work.of_subject(one.order)) == 3


def test_a_policy_of_the_channel_goes_before_that_of_all_and_says_its_version():
    policies = [
        SetPolicy(COMPANY, "orders.validation", Validation(address="enforce"), NOW),
        SetPolicy(COMPANY, "orders.validation", Validation(address="warn"), NOW, scope="shop"),
        SetPolicy(COMPANY, "orders.validation", Validation(address="warn", fraud="off"), NOW, scope="shop"),
    ]
    set_policy(CAUSE, requests=policies)

    (one,) = placed(an_order(country="England", signals=("high_risk",)))

    assert one.holds == ()
    assert queries.order(one.order).policy_version == 2
    (moment,) = queries.timeline(one.order)
    assert moment.payload["warnings"] == [["address", "The country is no ISO code of two letters."]]


def test_recent_orders_of_the_customer_are_looked_at_where_the_policy_asks():
    policy = Validation(duplicates="enforce", review_orders_per_hour=3)
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, NOW)])
    placed(an_order("E1", customer="C1"))

    same, other = placed(
        an_order("E2", customer="C1"), an_order("E3", a_line("PEN", price="12.00"), customer="C1")
    )
    (fourth,) = placed(an_order("E4", a_line(price="13.00"), customer="C1"))

    assert (same.holds, other.holds, fourth.holds) == (("fraud review",), (), ("fraud review",))


def test_what_no_node_has_is_held_where_the_policy_asks():
    set_policy(
        CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", Validation(inventory="enforce"), NOW)]
    )
    (one,) = placed(an_order())
    assert one.holds == ("inventory hold",)


def test_regions_that_nothing_is_sent_to_are_held_where_the_policy_asks():
    policy = Validation(region="enforce", regions_refused=("GB",))
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, NOW)])
    (one,) = placed(an_order(country="GB"))
    assert one.holds == ("address hold",)


def test_what_more_is_asked_of_customer_address_and_goods_is_loaded_by_one_statement(statements):
    policy = Validation(
        newcomer="enforce", newcomer_max_minor=9_99, box="warn", box_services_refused=("courier",), format="warn",
        hazard="enforce", hazards_refused=("courier>",), price="enforce", price_floor=1.0,
    )  # fmt: skip
    sql.run("UPDATE catalog_sku SET hazardous = true, list_price = 11 WHERE code = 'MUG'")
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, NOW)])
    box = AddressGiven("Ada", "PO Box 7", "")

    with statements() as ran:
        (one,) = placed(an_order("E1", customer="C1", country="GB", service="courier", address=box))
    (again,) = placed(an_order("E2", a_line("PEN"), customer="C1", country="GB"))

    assert sum("hazardous" in text for text in ran.texts) == 1, ran
    assert sorted(one.holds) == ["exception", "fraud review"]
    assert "fraud review" not in again.holds
    (moment,) = queries.timeline(one.order)
    assert [name for name, _ in moment.payload["warnings"]] == ["box", "format"]


def test_a_policy_whose_entries_fit_nothing_is_refused():
    body = {"region": "enforce", "regions_refused": ["kp"]}
    (answer,) = set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", body, NOW)])
    assert isinstance(answer, Invalid)
    assert "regions_refused" in answer.message


# ---- again


def test_a_key_gets_its_answer_again_and_refuses_other_content():
    request = an_order(key="k1")
    first = placed(request)
    counts = [rows(table) for table in TABLES]

    assert placed(request) == first
    assert place(CAUSE, requests=[replace(request, country="FR")]) == [
        RequestReused(key="k1", command="orders.place")
    ]
    assert [rows(table) for table in TABLES] == counts


def test_invariant_1_an_order_of_a_channel_is_placed_once_whatever_the_key():
    (first,) = placed(an_order("E1", key="k1"))
    request = an_order(
        "E1", key="k2", address=AddressGiven("Ada", "1", "X"), payment=PaymentGiven("fake", "a", 1, NOW)
    )
    expected = errors.Duplicate(external_id="E1", channel="shop", order=str(first.order), number=first.number)

    assert place(CAUSE, requests=[request]) == [expected]
    assert [rows(table) for table in TABLES] == [1, 1, 0, 0, 0, 0]


def test_one_name_twice_in_a_batch_is_one_order_and_its_neighbours_are_placed():
    one, again, other = place(CAUSE, requests=[an_order("E1"), an_order("E1"), an_order("E2")])
    assert isinstance(one, Placed)
    assert again == errors.Duplicate(
        external_id="E1", channel="shop", order=str(one.order), number=one.number
    )
    assert isinstance(other, Placed)
    assert (rows("orders_order"), rows("orders_line")) == (2, 2)


# ---- refused


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (an_order(channel="nowhere"), NotFound),
        (an_order(lines=()), errors.Unplaceable),
        (an_order("E1", a_line(quantity=0)), errors.Unplaceable),
        (an_order("E1", a_line(kind="gift")), errors.Unplaceable),
        (an_order("E1", a_line(price="-1")), errors.Unplaceable),
        (an_order(policy="whatever"), errors.Unplaceable),
        (an_order(currency="QQQ"), errors.Unplaceable),
        (an_order(occurred_at=NOW + timedelta(days=2)), errors.Unplaceable),
        (an_order(discount_minor=10_01), errors.Unplaceable),
        (an_order("E1", a_line(discount_minor=10_01)), errors.Unplaceable),
        (an_order(payment=PaymentGiven("piggy bank", "x", 1, NOW)), errors.Unplaceable),
        (an_order(payment=PaymentGiven("fake", "x", -1, NOW)), errors.Unplaceable),
    ],
)
def test_what_can_not_be_an_order_is_refused_and_nothing_is_written(request_, refusal):
    good = an_order("good")
    answers = place(CAUSE, requests=[request_, good])

    assert type(answers[0]) is refusal, answers
    assert "?" not in answers[0].message
    assert isinstance(answers[1], Placed)
    assert (rows("orders_order"), rows("orders_line"), rows("payments_payment")) == (1, 1, 0)


@pytest.mark.counts("orders.place")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    payment = PaymentGiven("fake", "a", 100_00, NOW)
    requests = [
        an_order(f"E{i}", a_line("MUG"), a_line("PEN"), a_line("TIN"), key=f"k{i}", payment=payment)
        for i in range(count)
    ]
    with statements() as ran:
        placed(*requests)
    texts = [text for text in ran.texts if "SAVEPOINT" not in text]
    assert len(texts) == 8, ran  # look for keys, facts, orders, lines, payments, events, ready, remember keys


@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch_where_everything_is_asked(statements, count):
    modes = dict.fromkeys(validation.RULES, "enforce")
    policy = Validation(**modes, review_orders_per_hour=9, blocked_fingerprints=("card:" + "0" * 32,))
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, NOW)])
    home = AddressGiven("Ada", "1", "X", email="ada@example.com")
    billing = BillingGiven("Ada", "2", "Y", "FR")
    requests = [
        an_order(
            f"E{i}", customer=f"C{i}", country="England", address=home, billing=billing, tax_number="FR1"
        )
        for i in range(count)
    ]
    placed(an_order(f"E{count - 1}"))
    with statements() as ran:
        place(CAUSE, requests=[*requests, replace(requests[0], external_id="new")])
    texts = [text for text in ran.texts if "SAVEPOINT" not in text]
    # facts, customers, the wait, recent, first, sightings, inventory, goods, list prices, tax, orders, duplicates,
    # lines, fingerprints, four for addresses, three for holds, events
    assert len(texts) == 22, ran


def test_the_item_of_a_hold_is_as_urgent_as_its_order_deserves():
    register_customers(CAUSE, requests=[RegisterCustomer(COMPANY, "C1", tier="gold", since=NOW)])
    weights = Priority(minor_per_point=100, points_by_tier={"gold": 24}, promise_points=48)
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "work.priority", weights, NOW)])
    soon = NOW + timedelta(hours=8)

    (answer,) = placed(
        an_order("E1", a_line("MUG", 1, "12.50"), customer="C1", signals=("velocity",), promise_at=soon)
    )

    (item,) = work.of_subject(answer.order)
    assert [(one.name, one.points) for one in item.terms] == [
        ("urgency", 80), ("value", 12), ("tier", 24), ("promise", 40),
    ]  # fmt: skip


def test_an_order_keeps_what_its_promotions_were_given_for():
    sql.run("UPDATE catalog_sku SET category = 'mugs' WHERE code = 'MUG'")
    known = Promotions({"TEN": PromotionPolicy("spend", 1_000, categories=("mugs",), when_broken="clawback")})
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.promotions", known, NOW)])
    given = (PromotionGiven("TEN", 100), PromotionGiven("OTHER", 5))

    (answer,) = placed(an_order("E1", a_line("MUG", 2), discount_minor=105, promotions=given))

    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.promotions", Promotions(), NOW)])
    sql.run("UPDATE catalog_sku SET category = '' WHERE code = 'MUG'")
    found = {one.code: one.terms for one in queries.order(answer.order).promotions}
    assert found == {"TEN": PromotionTerms("spend", 1_000, 0, False, ("MUG",), "clawback"), "OTHER": None}


def test_an_order_keeps_when_it_may_leave_and_takes_the_least_part_of_its_channel():
    days = [NOW.date() + timedelta(days=n) for n in (1, 3, 5)]
    set_policy(
        CAUSE,
        requests=[SetPolicy(COMPANY, "orders.windows", Windows(min_fill_percent=70), NOW, scope="shop")],
    )
    window = dict(zip(("ship_not_before", "ship_by", "cancel_after"), days, strict=True))

    one, own = placed(an_order("E1", **window), an_order("E2", min_fill_percent=0))

    found = queries.order(one.order)
    assert [found.ship_not_before, found.ship_by, found.cancel_after] == days
    assert (found.min_fill_percent, queries.order(own.order).min_fill_percent) == (70, 0)
    (refused,) = place(CAUSE, requests=[an_order("E3", ship_by=days[0], cancel_after=NOW.date())])
    assert isinstance(refused, errors.Unplaceable)
    assert refused.facts["field"] == "cancel_after"
