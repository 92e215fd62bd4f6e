"""orders.edit, sourcing.edit, sourcing.reprice"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import ids, policies, ready, sql, worker
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.orders import errors, queries
from entrepot.orders.commands.edit import AddLine, EditOrder, OrderEdited
from entrepot.orders.commands.edit import edit as orders_edit
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.orders.commands.place import AddressGiven, PaymentGiven
from entrepot.orders.commands.split import SplitOrder, split
from entrepot.orders.commands.take_payment import TakePayment, take_payment
from entrepot.orders.holding import Holding
from entrepot.orders.validation import Validation
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.payments.commands.capture import Capture, capture
from entrepot.sourcing.commands.edit import edit, reprice
from entrepot.sourcing.rules import Profile
from entrepot.warehouse import queries as warehouse
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.propose_wave import ProposeWave, propose_wave
from entrepot.warehouse.commands.release import ReleaseOrder
from entrepot.warehouse.commands.stream import stream
from entrepot.warehouse.waves import Waves
from tests import selling, walk
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db) -> Floor:
    floor = walk.a_house()
    for sku in range(3):
        floor.stock(sku, 5_000)
    return floor


def an_edit(order, **changes) -> EditOrder:
    return EditOrder(order, "the customer asked", **changes)


def edited(*requests: EditOrder) -> list[OrderEdited]:
    answers = edit(SYSTEM, requests=requests)
    assert all(isinstance(one, OrderEdited) for one in answers), answers
    return answers


def units(order) -> list[dict[str, int]]:
    return [line.places for line in queries.order(order).lines]


def test_more_of_a_line_comes_at_its_price_and_less_is_cancelled(house):
    order = house.order((0, 2), (1, 3), tax_minor=5_00).order
    walk.allocated(order)
    first, second = queries.order(order).lines

    (answer,) = edited(
        an_edit(order, add=(AddLine(house.codes[0], 1, like=first.id),), remove=((second.id, 2),))
    )

    view = queries.order(order)
    assert units(order) == [{"allocated": 2}, {"allocated": 1, "cancelled": 2}, {"open": 1}]
    assert (view.lines[2].gross_minor, view.lines[2].tax_minor) == (9_99, 1_00)
    assert (view.lines[0], view.lines[1].gross_minor) == (first, second.gross_minor)
    assert (answer.before_minor, answer.total_minor) == (54_95, 54_95 + 10_99 - 2 * 9_99 - 2_00)
    assert (answer.cancelled, answer.uncovered_minor, answer.status) == (2, 0, "ready")
    assert ready.waiting()["allocate"]
    walk.allocated(order)
    assert units(order)[2] == {"allocated": 1}


def test_another_sku_takes_the_place_of_the_only_one(house):
    order = house.order((0, 2)).order
    (line,) = queries.order(order).lines
    add = AddLine(house.codes[1], 2, Decimal("9.99"), line.id)

    (answer,) = reprice(SYSTEM, requests=[an_edit(order, add=(add,), remove=((line.id, 2),))])

    assert isinstance(answer, OrderEdited)
    assert units(order) == [{"cancelled": 2}, {"open": 2}]
    assert (answer.before_minor, answer.total_minor) == (19_98, 19_98)
    assert queries.order(order).commercial == "confirmed"


def test_a_price_of_ones_own_needs_the_permission(house):
    order = house.order((0, 1)).order
    (line,) = queries.order(order).lines
    cheaper = an_edit(order, add=(AddLine(house.codes[0], 1, Decimal(5), line.id),), remove=((line.id, 1),))

    (refused,) = edit(SYSTEM, requests=[cheaper])
    assert isinstance(refused, errors.PriceOverridden)
    assert "is 9.99, found 5.00." in refused.message
    assert units(order) == [{"open": 1}]

    (answer,) = reprice(SYSTEM, requests=[cheaper])
    assert (answer.before_minor, answer.total_minor) == (9_99, 5_00)


def a_charge(price: str | None, **changes) -> AddLine:
    return AddLine(
        "",
        1,
        None if price is None else Decimal(price),
        **{"kind": "shipping", "description": "Express"} | changes,
    )


def test_a_better_service_is_charged_and_leaves_with_the_goods(house):
    payment = PaymentGiven("account", "P", 24_00, NOW)
    order = house.order((0, 2), tax_minor=4_00, payment=payment).order
    walk.allocated(order)

    (answer,) = edited(an_edit(order, add=(a_charge("5.00"),), service="express"))

    assert units(order) == [{"allocated": 2}, {"open": 1}]
    charge = queries.order(order).lines[1]
    assert (charge.kind, charge.description, charge.gross_minor, charge.tax_minor) == (
        "shipping", "Express", 5_00, 1_00,
    )  # fmt: skip
    assert (answer.before_minor, answer.total_minor) == (23_98, 29_98)
    assert (answer.uncovered_minor, answer.holds) == (5_98, ("payment hold",))
    paid = TakePayment(order, PaymentGiven("account", "P2", 29_98, NOW))
    assert whole(take_payment(SYSTEM, requests=[paid]))
    walk.shipped(order)
    assert units(order) == [{"shipped": 2}, {"delivered": 1}]


def test_an_allowance_needs_the_permission_and_never_makes_an_order_worth_less_than_nothing(house):
    order = house.order((0, 1)).order
    less = an_edit(order, add=(a_charge("-2.00", kind="discount", description="Old friend", tax_minor=0),))
    (refused,) = edit(SYSTEM, requests=[less])
    assert isinstance(refused, errors.PriceOverridden)
    assert "Old friend" in refused.message

    (answer,) = reprice(SYSTEM, requests=[less])
    assert (answer.before_minor, answer.total_minor) == (9_99, 7_99)
    (much,) = reprice(SYSTEM, requests=[an_edit(order, add=(a_charge("-9.00", kind="discount"),))])
    assert isinstance(much, Invalid)
    assert len(units(order)) == 2


@pytest.mark.parametrize(
    ("charge", "field"),
    [
        (a_charge(None), "unit_price"), (a_charge("1.00", kind="ransom"), "kind"),
        (a_charge("1.00", like=ids.uuid7()), "like"), (a_charge("1.00", discount_minor=1_01), "discount"),
        (AddLine("", 0, Decimal(1), kind="fee.bank"), "quantity"),
    ],
)  # fmt: skip
def test_a_charge_that_cannot_be_is_refused(house, charge, field):
    order = house.order((0, 1)).order
    (refused,) = edit(SYSTEM, requests=[an_edit(order, add=(charge,))])
    assert isinstance(refused, Invalid)
    assert refused.facts["field"] == field
    assert len(units(order)) == 1


def test_a_charge_goes_with_the_last_of_the_goods(house):
    order = house.order((0, 1)).order
    (line,) = queries.order(order).lines
    (answer,) = edited(an_edit(order, add=(a_charge("5.00"),), remove=((line.id, 1),)))
    assert (answer.status, answer.total_minor) == ("cancelled", 0)
    assert units(order) == [{"cancelled": 1}, {"cancelled": 1}]


def test_a_new_address_frees_what_was_promised(house):
    order = house.order((0, 2)).order
    walk.allocated(order)

    (answer,) = edited(
        an_edit(order, address=AddressGiven("Ada", "2 Low Road", "York"), postal_code="YO1 7HH")
    )

    view = queries.order(order)
    assert (answer.freed, units(order)) == (2, [{"open": 2}])
    assert view.postal_code == "YO1 7HH"
    assert view.address_id
    assert sql.run("SELECT sum(allocated)::int FROM stock_position") == [(0,)]
    walk.allocated(order)
    assert units(order) == [{"allocated": 2}]


def test_a_postal_code_put_right_stands_in_the_address_as_well(db):
    selling.a_seller()
    home = AddressGiven("Ada", "2 Low Road", "York", "Flat 3", "", "ada@example.com", "01904 555")
    (order,) = selling.placed(selling.an_order("E1", address=home, postal_code="nowhere"))
    (answer,) = orders_edit(
        selling.CAUSE, requests=[EditOrder(order.order, "by phone", postal_code="YO1 7HH")]
    )
    assert isinstance(answer, OrderEdited), answer
    stands = parties.address(queries.order(order.order).address_id)
    assert (stands.postal_code, AddressGiven.of(stands)) == ("YO1 7HH", home), "labels are written from it"


def test_beside_a_postal_code_put_right_another_order_of_the_same_address_stays_where_it_goes(db):
    selling.a_seller()
    home = AddressGiven("Ada", "2 Low Road", "York")
    (order,) = selling.placed(
        selling.an_order("E1", selling.a_line("MUG", 2, "10.00"), address=home, postal_code="nowhere")
    )
    (line,) = queries.order(order.order).lines
    (parted,) = split(selling.CAUSE, requests=[SplitOrder(order.order, ((line.id, 1),), "two parcels")])
    shared = queries.order(parted.new_order).address_id
    assert shared == queries.order(order.order).address_id, "what the case is about"

    answers = orders_edit(
        selling.CAUSE,
        requests=[
            EditOrder(order.order, "by phone", postal_code="YO1 7HH"),
            EditOrder(parted.new_order, "sooner", priority=9),
        ],
    )

    assert all(isinstance(one, OrderEdited) for one in answers), answers
    assert queries.order(order.order).address_id != shared
    assert (queries.order(parted.new_order).address_id, queries.order(parted.new_order).priority) == (
        shared,
        9,
    )


def test_service_priority_and_promise_change(house):
    order = house.order((0, 1)).order
    edited(an_edit(order, service="express", priority=9, promise_at=NOW))
    view = queries.order(order)
    assert (view.service, view.priority, view.promise_at) == ("express", 9, NOW)


def test_what_the_payment_no_longer_covers_is_held_once(house):
    payment = PaymentGiven("account", "P", 9_99, NOW)
    order = house.order((0, 1), payment=payment).order
    (line,) = queries.order(order).lines
    more = an_edit(order, add=(AddLine(house.codes[0], 1, like=line.id),))

    (first,), (second,) = edited(more), edited(more)

    assert (first.uncovered_minor, second.uncovered_minor) == (9_99, 19_98)
    assert [hold.type for hold in queries.order(order).holds] == ["payment hold"]
    assert first.status == "payment hold"


@pytest.mark.parametrize("waits_for", ["payment", "nothing"])
def test_a_hold_for_too_much_authorized_hides_no_shortfall(house, waits_for):
    now = [
        policies.SetPolicy(COMPANY, "orders.validation", Validation(payment_differs_max_minor=0), NOW),
        policies.SetPolicy(COMPANY, "orders.holds", Holding(waits_for=waits_for), NOW, "payment hold"),
    ]
    whole(policies.set_policy(SYSTEM, requests=now))
    order = house.order((0, 1), payment=PaymentGiven("account", "P", 11_99, NOW)).order
    (line,) = queries.order(order).lines
    more = an_edit(order, add=(AddLine(house.codes[0], 1, like=line.id),))

    (first,), (second,) = edited(more), edited(more)

    assert (first.uncovered_minor, second.uncovered_minor) == (7_99, 17_98)
    assert (first.holds, second.holds) == (("payment hold",), ())
    assert [(hold.waits_for, "missing_minor" in hold.facts) for hold in queries.order(order).holds] == [
        ("nothing", False), (waits_for, True),
    ]  # fmt: skip


def test_what_is_taken_out_of_a_captured_order_is_given_back_and_covers_nothing_any_more(house):
    order = house.order((0, 1), (1, 1), payment=PaymentGiven("account", "P", 19_98, NOW)).order
    capture(SYSTEM, requests=[Capture(order, 19_98)])
    first, second = queries.order(order).lines

    (exchanged,) = edited(
        an_edit(order, add=(AddLine(house.codes[0], 1, like=first.id),), remove=((second.id, 1),))
    )
    assert (exchanged.refunded_minor, exchanged.uncovered_minor) == (0, 0), "one takes the place of the other"

    (less,) = edited(an_edit(order, remove=((first.id, 1),)))
    assert (less.refunded_minor, less.uncovered_minor) == (9_99, 0)
    assert (balance(2100), balance(2300)) == (-9_99, 0), "what is still to be sent for"

    (more,) = edited(an_edit(order, add=(AddLine(house.codes[0], 1, like=first.id),)))
    assert (more.refunded_minor, more.uncovered_minor) == (0, 9_99), "what went back pays for nothing"
    assert [hold.type for hold in queries.order(order).holds] == ["payment hold"]

    paid = PaymentGiven("account", "Q", 9_99, NOW)
    (taken,) = take_payment(SYSTEM, requests=[TakePayment(order, paid)])
    assert taken.status == "ready", "and what came for it does"


def test_a_more_urgent_order_takes_its_place_wherever_it_waits(house):
    soon = NOW + timedelta(days=2)
    first, second = walk.placed(house, 2, (0, 3_000), priority=5)
    walk.allocated(first, second)
    assert backorders() == {second: (1_000, 5)}
    (third,) = walk.placed(house, 1, (1, 1), priority=5)
    ready.drop("allocate", [third])
    walk.released(third)

    edited(
        an_edit(second, priority=9, promise_at=soon), an_edit(third, priority=8),
        an_edit(first, priority=1),
    )  # fmt: skip

    assert backorders() == {second: (1_000, 9)}
    promises = {
        order: (priority, at)
        for order, priority, at in sql.run(
            "SELECT order_id, max(priority)::int, max(promise_at) FROM stock_allocation GROUP BY 1"
        )
    }
    assert promises == {first: (1, None), second: (9, soon), third: (8, None)}
    assert queue("release") == {first: 1, second: 9}
    assert queue("peg") == {house.skus[0]: 5}
    worker.serve_once({"hasten": worker.queues()["hasten"]})
    assert list(queue("pick").values()) == [8]


def test_what_a_tier_adds_stays_with_an_order_whatever_its_own_priority(house):
    gold_goes_before()
    (order,) = walk.placed(house, 1, (0, 6_000), priority=50, customer="gilda")
    walk.allocated(order)
    ready.put([ready.Offer("allocate", order, 60, NOW)])

    for own in (55, 95, 50):
        edited(an_edit(order, priority=own))
        assert queue("release") == queue("allocate") == {order: own + 10}
        assert sql.run("SELECT priority::int FROM stock_allocation") == [(own + 10,)]
        assert backorders() == {order: (1_000, own + 10)}

    ready.drop("release", [order])
    (held,) = whole(place_hold(SYSTEM, requests=[PlaceHold(order, "address hold", "look at it")]))
    whole(release_holds(SYSTEM, requests=[ReleaseHold(held.hold, "it is right")]))
    assert queue("release") == {order: 60}


def test_on_the_floor_an_order_stands_where_its_tier_puts_it(house):
    gold_goes_before()
    plain, gold = (
        walk.placed(house, 1, (0, 1), priority=own, customer=who)[0]
        for own, who in ((55, "ada"), (50, "gilda"))
    )
    first, second = walk.released(plain, gold)
    assert queue("pick") == {first: 55, second: 60}
    assert walk.queued("pick") == [second, first]

    edited(an_edit(gold, priority=52))
    worker.serve_once({"hasten": worker.queues()["hasten"]})
    assert queue("pick") == {first: 55, second: 62}
    assert [one.id for one in warehouse.waiting("pick", company=COMPANY)] == [second, first]

    pick(SYSTEM, requests=[PickFulfillment(one) for one in (first, second)])
    assert queue("pack") == {first: 55, second: 62}
    pack(SYSTEM, requests=[PackFulfillment(one) for one in (first, second)])
    assert queue("ship") == {first: 55, second: 62}
    edited(an_edit(gold, priority=41))
    worker.serve_once({"hasten": worker.queues()["hasten"]})
    assert walk.queued("ship") == [first, second]


def test_a_wave_takes_first_who_is_served_first(house):
    gold_goes_before()
    waves = policies.SetPolicy(COMPANY, "warehouse.waves", Waves(mode="waves", lines_max=1), NOW)
    whole(policies.set_policy(SYSTEM, requests=[waves]))
    plain, gold = (
        walk.placed(house, 1, (0, 1), priority=own, customer=who)[0]
        for own, who in ((55, "ada"), (50, "gilda"))
    )
    walk.allocated(plain, gold)
    stream(SYSTEM, requests=[ReleaseOrder(one) for one in (plain, gold)])
    assert queue("wave") == {plain: 55, gold: 60}

    (wave,) = whole(propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0])]))
    joined = warehouse.wave_orders(wave.wave)[0]
    assert (joined.order, joined.why.split(",")[0]) == (gold, "priority 60")


def test_what_comes_from_another_bin_is_promised_as_before(house):
    gold_goes_before()
    (gold,) = walk.placed(house, 1, (0, 2), priority=50, customer="gilda")
    (fulfillment,) = walk.released(gold)
    ((task,),) = sql.run("SELECT id FROM warehouse_picktask")
    pick(SYSTEM, requests=[PickFulfillment(fulfillment, ((task, 1),))])
    assert {priority for (priority,) in sql.run("SELECT priority::int FROM stock_allocation")} == {60}


def test_of_what_waits_it_is_the_backorders_that_rank_an_order(house):
    gold_goes_before()
    walk.allocated(house.order((0, 5_000)).order)
    (order,) = walk.placed(house, 1, (0, 1), priority=50, customer="gilda")
    walk.allocated(order)
    ready.put([ready.Offer("allocate", order, 60, NOW)])

    edited(an_edit(order, priority=55))

    assert queue("allocate") == {order: 65}


def gold_goes_before() -> None:
    """What customers of the tier gold order, as gilda is, has a priority higher by 10."""
    whole(register_customers(SYSTEM, requests=[RegisterCustomer(COMPANY, "gilda", "gold")]))
    wanted = policies.SetPolicy(COMPANY, "sourcing.profile", Profile(tier_priority={"gold": 10}), NOW)
    whole(policies.set_policy(SYSTEM, requests=[wanted]))


def backorders() -> dict:
    rows = sql.run("SELECT order_id, quantity, priority::int FROM sourcing_backorder")
    return {order: (quantity, priority) for order, quantity, priority in rows}


def queue(name: str) -> dict:
    return dict(
        sql.run("SELECT subject, priority FROM kernel_ready WHERE queue = %(name)s::text", {"name": name})
    )


def test_the_address_is_fixed_once_the_warehouse_has_it_and_the_service_once_it_is_packed(house):
    released, packed, shipped = (house.order((0, 1)).order for _ in range(3))
    walk.released(released)
    walk.packed(packed)
    walk.shipped(shipped)

    (refused,) = edit(SYSTEM, requests=[an_edit(released, postal_code="YO1 7HH")])
    assert isinstance(refused, errors.EditTooLate)
    assert "1 of its units is released. Cancel it and place another order, or" in refused.message
    edited(an_edit(released, service="express"))
    (refused,) = edit(SYSTEM, requests=[an_edit(packed, service="express")])
    assert isinstance(refused, errors.EditTooLate)
    edited(an_edit(packed, priority=1))
    (refused,) = edit(SYSTEM, requests=[an_edit(shipped, priority=1)])
    assert isinstance(refused, errors.EditTooLate)
    assert refused.message.endswith("Take a return, or place another order.")


def test_what_cannot_be_is_refused_and_its_neighbor_is_not(house):
    order, other = house.order((0, 1)).order, house.order((0, 1)).order
    (line,) = queries.order(order).lines
    wanted = [
        (an_edit(ids.uuid7(), priority=1), NotFound),
        (an_edit(order), Invalid),
        (EditOrder(order, "", priority=1), Invalid),
        (an_edit(order, priority=100), Invalid),
        (an_edit(order, promise_at=NOW - timedelta(seconds=1)), Invalid),
        (an_edit(order, add=(AddLine("NONE", 1),)), NotFound),
        (an_edit(order, add=(AddLine(house.codes[0], 1),)), Invalid),
        (an_edit(order, add=(AddLine(house.codes[0], 0, like=line.id),)), Invalid),
        (an_edit(order, add=(AddLine(house.codes[0], 1, like=ids.uuid7()),)), NotFound),
        (an_edit(order, add=(AddLine(house.codes[0], 1, like=line.id, discount_minor=10_00),)), Invalid),
        (an_edit(order, remove=((line.id, 2),)), errors.MoreThanThereIs),
        (an_edit(other, priority=3), OrderEdited),
        (an_edit(other, priority=4), Invalid),
    ]
    answers = edit(SYSTEM, requests=[request for request, _ in wanted])
    assert [type(one) for one in answers] == [kind for _, kind in wanted]
    assert units(order) == [{"open": 1}]


def test_all_of_it_taken_out_is_a_cancelled_order(house):
    order = house.order((0, 1)).order
    (line,) = queries.order(order).lines
    (answer,) = edited(an_edit(order, remove=((line.id, 1),)))
    assert (answer.status, answer.total_minor) == ("cancelled", 0)
    assert queries.order(order).commercial == "cancelled"


def test_again_by_key_changes_nothing_more(house):
    order = house.order((0, 1)).order
    (line,) = queries.order(order).lines
    request = an_edit(order, add=(AddLine(house.codes[0], 1, like=line.id),), key="e")
    assert edited(request) == edited(request)
    assert len(queries.order(order).lines) == 2


@pytest.mark.counts("orders.edit")
@pytest.mark.parametrize(
    ("kind", "count"), [("service", 15), ("lines", 20), ("address", 19), ("held", 16), ("priority", 13)]
)
def test_statements_do_not_grow_with_the_batch(house, statements, kind, count):
    counts = []
    for batch in SIZES:
        payment = PaymentGiven("account", "P", 19_98, NOW)
        orders = [one.order for one in house.orders(batch, (0, 1), (1, 1), payment=payment)]
        walk.allocated(*orders)
        lines = dict(sql.run(_LINES, {"orders": orders}))
        requests = [_change(order, lines[order], kind, house.codes[0]) for order in orders]
        with statements() as ran:
            changed = orders_edit(SYSTEM, requests=requests)
        assert all(isinstance(one, OrderEdited) for one in changed)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [count] * 3


@pytest.mark.parametrize("kind", ["service", "lines", "address", "held", "priority"])
def test_the_vault_is_read_for_changes_that_ask_where_people_live_and_for_no_other(house, statements, kind):
    order = house.order((0, 1), (1, 1), address=AddressGiven("Ada Lovelace", "1 High Street", "London")).order
    lines = dict(sql.run(_LINES, {"orders": [order]}))

    with statements() as ran:
        orders_edit(SYSTEM, requests=[_change(order, lines[order], kind, house.codes[0])])

    reads = any("FROM parties_address" in text and "sealed" in text for text in ran.texts)
    assert reads == (kind in ("service", "address"))


_LINES = """
SELECT order_id, array_agg(id ORDER BY number) FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[]) GROUP BY 1
"""


def _change(order, lines, kind: str, sku: str) -> EditOrder:
    first, second = lines
    changes = {
        "service": {"service": "express"},
        "lines": {"add": (AddLine(sku, 1, like=first),), "remove": ((second, 1),)},
        "address": {"address": AddressGiven("A", "B", "C")},
        "held": {"add": (AddLine(sku, 1, like=first),)},
        "priority": {"priority": 9},
    }
    return an_edit(order, **changes[kind])


def test_days_are_taken_away_by_name_and_others_stay(house):
    day = NOW.date() + timedelta(days=3)
    order = house.order((0, 1), ship_by=day, cancel_after=day, min_fill_percent=80).order

    (unknown,) = edit(SYSTEM, requests=[an_edit(order, clear=("min_fill_percent",))])
    (both,) = edit(SYSTEM, requests=[an_edit(order, ship_by=day, clear=("ship_by",))])
    assert [one.facts["field"] for one in (unknown, both)] == ["clear", "ship_by"]
    edited(an_edit(order, clear=("ship_by",), ship_not_before=day))

    found = queries.order(order)
    assert (found.ship_not_before, found.ship_by, found.cancel_after, found.min_fill_percent) == (
        day,
        None,
        day,
        80,
    )
    edited(an_edit(order, clear=("ship_not_before", "cancel_after")))
    found = queries.order(order)
    assert (found.ship_not_before, found.cancel_after) == (None, None)


def test_when_an_order_may_leave_changes_and_has_to_fit(house):
    order = house.order((0, 1), ship_by=NOW.date(), min_fill_percent=80).order
    later = NOW.date() + timedelta(days=3)

    (changed,) = edited(an_edit(order, ship_by=later, cancel_after=later))

    found = queries.order(order)
    assert (found.ship_by, found.cancel_after, found.min_fill_percent) == (later, later, 80)
    assert changed.total_minor == changed.before_minor
    wrong = an_edit(order, ship_not_before=later + timedelta(days=1))
    (refused,) = edit(SYSTEM, requests=[wrong])
    assert isinstance(refused, Invalid)
    assert refused.facts["field"] == "ship_by"
    (refused,) = edit(SYSTEM, requests=[an_edit(order, min_fill_percent=101)])
    assert isinstance(refused, Invalid)
