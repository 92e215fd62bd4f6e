"""orders.split, orders.merge, sourcing.split, sourcing.merge"""

from __future__ import annotations

from decimal import Decimal

import pytest

from entrepot.kernel import ids, ready, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import errors, queries, regrouping
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.orders.commands.merge import MergeOrders, OrdersMerged
from entrepot.orders.commands.place import AddressGiven, OrderLine, PaymentGiven, Placed, PlaceOrder, place
from entrepot.orders.commands.place import PromotionGiven as Promotion
from entrepot.orders.commands.split import OrderSplit, SplitOrder
from entrepot.orders.commands.take_payment import PaymentTaken, TakePayment, take_payment
from entrepot.orders.promoting import PromotionPolicy, Promotions
from entrepot.payments import queries as payments
from entrepot.payments.commands.capture import Capture, capture
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.regroup import merge, split
from entrepot.sourcing.commands.reject import RejectOrder, reject
from entrepot.stock.commands.reserve import Reserve, reserve
from entrepot.work import queries as work
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db) -> Floor:
    floor = walk.a_house()
    for sku in range(2):
        floor.stock(sku, 5_000)
    return floor


def done(*requests):
    command = split if isinstance(requests[0], SplitOrder) else merge
    answers = command(SYSTEM, requests=requests)
    assert all(isinstance(one, OrderSplit | OrdersMerged) for one in answers), answers
    return answers


def a_split(order, *lines: tuple[int, int], key: str | None = None) -> SplitOrder:
    """Units of the lines with these numbers."""
    found = {line.number: line.id for line in queries.order(order).lines}
    return SplitOrder(
        order, tuple((found[number], units) for number, units in lines), "the rest later", key=key
    )


def a_merge(into, *orders, key: str | None = None) -> MergeOrders:
    return MergeOrders(into, orders, "one parcel", key=key)


def units(order) -> list[dict[str, int]]:
    return [line.places for line in queries.order(order).lines]


def promised(order) -> int:
    found = sql.run(
        "SELECT COALESCE(sum(quantity), 0)::int FROM stock_allocation WHERE order_id = %(o)s", {"o": order}
    )
    return found[0][0]


# ---- split


def test_units_go_to_a_new_order_with_what_they_bear_and_what_is_promised(house):
    order = house.order((0, 3), (1, 2), tax_minor=1_01, shipping_minor=3_33).order
    walk.allocated(order)
    before = queries.order(order)
    positions = sql.run("SELECT * FROM stock_position ORDER BY 1, 2")

    (answer,) = done(a_split(order, (1, 1), (2, 2)))

    old, new = queries.order(order), queries.order(answer.new_order)
    assert (units(order), units(new.id)) == ([{"allocated": 2}], [{"allocated": 1}, {"allocated": 2}])
    assert (promised(old.id), promised(new.id)) == (2, 3)
    assert sql.run("SELECT * FROM stock_position ORDER BY 1, 2") == positions
    for name in ("goods_minor", "discount_minor", "shipping_minor", "tax_minor", "total_minor"):
        assert getattr(old, name) + getattr(new, name) == getattr(before, name)
    assert answer.total_minor == new.total_minor
    assert (new.number, new.origin, old.origin) == (answer.number, order, None)
    assert new.external_id == f"{old.external_id}/{new.number}"
    assert (new.customer, new.channel, new.placed_at, new.status) == (
        old.customer,
        old.channel,
        old.placed_at,
        "ready",
    )
    assert [(one.relation, one.id) for one in queries.relatives(order)] == [("split into", new.id)]
    assert [(one.relation, one.id) for one in queries.relatives(new.id)] == [("split from", order)]
    told = queries.timeline(order)[-1]
    assert (told.command, told.payload["number"], told.reason) == (
        "orders.split",
        new.number,
        "the rest later",
    )
    assert queries.timeline(new.id)[0].payload["split_from"] == str(order)
    walk.shipped(old.id)
    walk.shipped(new.id)


def test_what_waits_for_stock_goes_first_and_waits_on_in_its_turn(house):
    order = house.order((2, 3), (0, 1)).order
    house.stock(2, 1)
    walk.allocated(order)
    assert units(order) == [{"backordered": 2, "allocated": 1}, {"allocated": 1}]

    (answer,) = done(a_split(order, (1, 2)))

    assert (units(order), units(answer.new_order)) == (
        [{"allocated": 1}, {"allocated": 1}],
        [{"backordered": 2}],
    )
    assert answer.new_status == "inventory hold"
    assert [(one.type, one.state) for one in work.of_subject(order)] == [("backorder", "done")]
    assert [(one.type, one.state) for one in work.of_subject(answer.new_order)] == [("backorder", "open")]
    house.stock(2, 5)
    walk.allocated(answer.new_order)
    assert units(answer.new_order) == [{"allocated": 2}]


def test_a_line_of_which_units_have_left_or_were_cancelled_is_cut_to_the_cent(house):
    order = house.order((2, 5), (0, 1), tax_minor=3, shipping_minor=7).order
    house.stock(2, 2)
    walk.allocated(order)
    line = queries.order(order).lines[0].id
    cancel(SYSTEM, requests=[CancelOrder(order, "less", ((line, 1),))])
    walk.shipped(order)
    before = queries.order(order)

    (answer,) = done(a_split(order, (1, 2)))

    old, new = queries.order(order), queries.order(answer.new_order)
    assert units(order)[0] == {"shipped": 2, "cancelled": 1}
    assert old.total_minor + new.total_minor == before.total_minor
    house.stock(2, 5)
    walk.shipped(new.id)


def test_the_authorization_goes_along_and_the_old_order_keeps_what_it_has_to_take(house):
    order = house.order((0, 2), (1, 1), payment=PaymentGiven("account", "P", 25_00, NOW)).order
    (hold,) = queries.order(order).holds
    release_holds(SYSTEM, requests=[ReleaseHold(hold.id, "we know them", "waived")])

    (answer,) = done(a_split(order, (1, 1)))

    (old,), (new,) = payments.of_order(order), payments.of_order(answer.new_order)
    assert (old.authorized_minor, new.authorized_minor) == (19_98, 5_02)
    assert (old.reference, new.reference, new.state) == ("P", "P", "authorized")
    assert (answer.uncovered_minor, answer.new_status, answer.status) == (4_97, "payment hold", "ready")
    walk.allocated(order)
    walk.shipped(order)
    (old,) = payments.of_order(order)
    assert (old.captured_minor, old.state) == (19_98, "captured")


def test_money_of_another_currency_covers_nothing_and_stays(house):
    order = house.order((0, 2), payment=PaymentGiven("account", "E", 100_00, NOW, currency="EUR")).order
    paid = TakePayment(order, PaymentGiven("account", "P", 12_00, NOW))
    assert isinstance(take_payment(SYSTEM, requests=[paid])[0], PaymentTaken)

    (answer,) = done(a_split(order, (1, 1)))

    found = {view: [(one.currency, one.authorized_minor) for one in payments.of_order(view)]
             for view in (order, answer.new_order)}  # fmt: skip
    assert sorted(found[order]) == [("EUR", 100_00), ("GBP", 9_99)]
    assert found[answer.new_order] == [("GBP", 2_01)]
    assert (answer.uncovered_minor, answer.new_status) == (7_98, "payment hold")


def test_what_was_captured_beyond_what_stays_cannot_be_split(house):
    order = house.order((0, 2), payment=PaymentGiven("account", "P", 19_98, NOW)).order
    capture(SYSTEM, requests=[Capture(order, 10_00)])
    (refused,) = split(SYSTEM, requests=[a_split(order, (1, 1))])
    assert refused == errors.MoneyTaken(
        order=queries.order(order).number, taken="10.00 GBP", stays="9.99 GBP"
    )
    assert units(order) == [{"open": 2}]


def test_what_holds_the_order_holds_both(house):
    order = house.order((0, 2)).order
    place_hold(SYSTEM, requests=[PlaceHold(order, "fraud review", "odd", blocks=("ship",))])

    (answer,) = done(a_split(order, (1, 1)))

    (hold,) = queries.order(answer.new_order).holds
    assert (hold.type, hold.reason, hold.blocks, hold.state) == ("fraud review", "odd", ["ship"], "open")
    assert (answer.status, answer.new_status) == ("fraud review", "fraud review")
    release_holds(SYSTEM, requests=[ReleaseHold(hold.id)])
    assert queries.order(order).status == "fraud review"
    assert queries.order(answer.new_order).status == "ready"


def test_what_a_cart_holds_is_never_free_for_others(house):
    house.stock(2, 4)
    wanted = Reserve(COMPANY, "cart", house.skus[2], None, house.channels["shop"], 3, NOW.replace(year=2030))
    reserve(SYSTEM, requests=[wanted])
    order = house.order((2, 3), (0, 1), reservation="cart").order

    (answer,) = done(a_split(order, (1, 1)))
    assert sql.run("SELECT sum(reserved)::int FROM stock_position") == [(3,)]
    other = house.order((2, 3)).order
    walk.allocated(other)
    assert units(other) == [{"allocated": 1, "backordered": 2}]
    walk.allocated(order)
    walk.allocated(answer.new_order)
    assert units(order) == [{"allocated": 2}, {"allocated": 1}]
    assert units(answer.new_order) == [{"allocated": 1}]


def test_promotions_go_with_their_discount(house):
    of_line = Promotions({"LINE": PromotionPolicy("quantity", least_units=3)})
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "orders.promotions", of_line, NOW)])
    lines = (
        OrderLine(house.codes[0], 3, Decimal(10), discount_minor=100, promotions=(Promotion("LINE", 100),)),
        OrderLine(house.codes[1], 1, Decimal(10), discount_minor=50, promotions=(Promotion("OTHER", 50),)),
    )
    request = PlaceOrder(
        COMPANY, "shop", "PR", lines, "GBP", country="GB", postal_code="N1", discount_minor=200,
        promotions=(Promotion("ORDER", 200),),
    )  # fmt: skip
    (placed,) = place(SYSTEM, requests=[request])
    before = queries.order(placed.order)

    (answer,) = done(a_split(placed.order, (1, 1), (2, 1)))

    old, new = queries.order(placed.order), queries.order(answer.new_order)
    given = {
        view.id: {one.code: (one.amount_minor, one.line) for one in view.promotions} for view in (old, new)
    }
    assert given[old.id]["LINE"][0] + given[new.id]["LINE"][0] == 100
    kept = [one.terms for view in (old, new) for one in view.promotions if one.code == "LINE"]
    assert [one and one.least_units for one in kept] == [3, 3], "both know what it was given for"
    assert given[new.id]["OTHER"] == (50, 2)
    assert "OTHER" not in given[old.id]
    assert given[old.id]["ORDER"][0] + given[new.id]["ORDER"][0] == 200
    assert old.discount_minor + new.discount_minor == before.discount_minor


def test_a_node_that_gave_the_line_back_is_not_asked_for_the_part_either(house):
    order = house.order((0, 3), (1, 1)).order
    walk.allocated(order)
    (node,) = sql.run("SELECT DISTINCT node_id FROM stock_allocation")[0]
    reject(SYSTEM, requests=[RejectOrder(order, node, "too busy")])

    (answer,) = done(a_split(order, (1, 1), (2, 1)))

    found = sql.run("SELECT order_id, count(*)::int FROM sourcing_rejection GROUP BY 1")
    assert dict(found) == {order: 1, answer.new_order: 2}


def test_a_line_added_after_a_split_has_a_number_of_its_own(house):
    from entrepot.orders.commands.edit import AddLine, EditOrder

    order = house.order((0, 1), (1, 1), (0, 2)).order
    done(a_split(order, (1, 1)))
    line = queries.order(order).lines[0].id
    edit(SYSTEM, requests=[EditOrder(order, "more", add=(AddLine(house.codes[1], 1, like=line),))])
    assert [line.number for line in queries.order(order).lines] == [2, 3, 4]


def test_what_can_not_be_split_is_refused_and_its_neighbor_is_not(house):
    order, gone, shipped, other = (house.order((0, 2), (1, 1)).order for _ in range(4))
    cancel(SYSTEM, requests=[CancelOrder(gone, "no")])
    walk.shipped(shipped)
    cases = [
        (SplitOrder(ids.uuid7(), ((ids.uuid7(), 1),), "why"), NotFound),
        (SplitOrder(order, ((ids.uuid7(), 1),), "why"), NotFound),
        (SplitOrder(order, (), "why"), Invalid),
        (SplitOrder(order, a_split(order, (1, 1)).lines, ""), Invalid),
        (a_split(order, (1, 3)), errors.NotToSplit),
        (a_split(order, (1, 2), (2, 1)), errors.NothingStays),
        (a_split(shipped, (1, 1)), errors.NotToSplit),
        (a_split(gone, (1, 1)), WrongState),
        (a_split(other, (2, 1)), OrderSplit),
        (a_split(other, (1, 1)), Invalid),
    ]
    answers = split(SYSTEM, requests=[one for one, _ in cases])
    assert [type(one) for one in answers] == [kind for _, kind in cases]
    assert units(order) == [{"open": 2}, {"open": 1}]


def test_a_split_again_by_key_makes_no_third_order(house):
    order = house.order((0, 2)).order
    request = a_split(order, (1, 1), key="s")
    assert done(request) == done(request)
    assert sql.run("SELECT count(*) FROM orders_order") == [(2,)]


# ---- merge


def two(house, *, second=((1, 1),), **facts):
    facts = {"customer": "C-1"} | facts
    first = house.order((0, 1), **facts).order
    return first, house.order(*second, **facts).order


def test_orders_become_one_with_all_that_is_theirs(house):
    payment = {"payment": PaymentGiven("account", "P", 50_00, NOW)}
    promotions = {"discount_minor": 1_00, "promotions": (Promotion("TEN", 1_00),)}
    address = {"address": AddressGiven("Ada", "2 Low Road", "York")}
    first, second = two(house, second=((1, 2), (2, 3)), **payment, **promotions, **address)
    house.stock(2, 1)
    walk.allocated(second)
    before = [queries.order(one) for one in (first, second)]
    assert [one.id for one in queries.mergeable(first)] == [second]
    positions = sql.run("SELECT * FROM stock_position ORDER BY 1, 2")

    (answer,) = done(a_merge(first, second))

    one, other = queries.order(first), queries.order(second)
    assert units(first) == [{"open": 1}, {"allocated": 2}, {"backordered": 2, "allocated": 1}]
    assert [line.number for line in one.lines] == [1, 2, 3]
    assert (answer.total_minor, answer.lines, answer.status) == (one.total_minor, 3, "ready")
    assert one.total_minor == sum(view.total_minor for view in before)
    assert (other.status, other.commercial, other.merged_into, other.total_minor, other.lines) == (
        "closed", "closed", first, 0, (),
    )  # fmt: skip
    assert [one.amount_minor for one in one.promotions] == [1_00, 1_00]
    assert (promised(first), promised(second)) == (3, 0)
    assert sql.run("SELECT * FROM stock_position ORDER BY 1, 2") == positions
    assert [one.authorized_minor for one in payments.of_order(first)] == [50_00, 50_00]
    assert payments.of_order(second) == []
    assert [(one.type, one.state) for one in work.of_subject(first)] == [("backorder", "open")]
    assert [(one.type, one.state) for one in work.of_subject(second)] == [("backorder", "done")]
    assert [(one.relation, one.id) for one in queries.relatives(second)] == [("merged into", first)]
    assert queries.timeline(second)[-1].payload["merged_into"] == str(first)
    assert queries.mergeable(first) == []
    assert not sql.run("SELECT queue FROM kernel_ready WHERE subject = %(o)s", {"o": second})
    (refused,) = cancel(SYSTEM, requests=[CancelOrder(second, "late")])
    assert isinstance(refused, WrongState)
    house.stock(2, 9)
    walk.shipped(first)
    assert units(first) == [{"shipped": 1}, {"shipped": 2}, {"shipped": 3}]


def test_a_merge_with_an_order_that_nobody_paid_for_is_held_until_it_is(house):
    paid = house.order((0, 1), payment=PaymentGiven("account", "P", 9_99, NOW), customer="C-1").order
    unpaid = house.order((1, 2), customer="C-1").order

    (answer,) = done(a_merge(paid, unpaid))

    assert (answer.status, answer.uncovered_minor) == ("payment hold", 19_98)
    (hold,) = queries.order(paid).holds
    assert hold.facts["missing_minor"] == 19_98
    money = take_payment(SYSTEM, requests=[TakePayment(paid, PaymentGiven("account", "Q", 19_98, NOW))])
    assert isinstance(money[0], PaymentTaken)
    assert queries.order(paid).status == "ready"


def test_a_merge_of_orders_that_nobody_pays_before_they_are_sent_is_not_held(house):
    first, second = house.order((0, 1), customer="C-1").order, house.order((1, 2), customer="C-1").order
    (answer,) = done(a_merge(first, second))
    assert (answer.status, answer.uncovered_minor) == ("ready", 0)


def test_the_channel_is_told_of_both(house):
    first, second = two(house)
    before = queries.order(second).external_id
    done(a_merge(first, second))
    (answer,) = done(a_split(first, (1, 1)))
    told = dict(sql.run("SELECT topic, body FROM kernel_delivery WHERE subject_id = %(o)s", {"o": first}))
    assert told["order.merged"]["merged"] == [
        {"order": str(second), "number": queries.order(second).number, "external_id": before}
    ]
    assert told["order.split"]["new_number"] == answer.number
    assert [one["quantity"] for one in told["order.split"]["lines"]] == [1]


def test_carts_of_all_of_them_are_taken_over(house):
    house.stock(2, 4)
    for holder in ("a", "b"):
        until = NOW.replace(year=2030)
        wanted = Reserve(COMPANY, holder, house.skus[2], None, house.channels["shop"], 2, until)
        reserve(SYSTEM, requests=[wanted])
    first = house.order((2, 2), customer="C-1", reservation="a").order
    second = house.order((2, 2), customer="C-1", reservation="b").order
    done(a_merge(first, second))
    other = house.order((2, 1)).order
    walk.allocated(other)
    walk.allocated(first)
    assert units(first) == [{"allocated": 2}, {"allocated": 2}]
    assert units(other) == [{"backordered": 1}]


def test_the_most_urgent_and_the_earliest_promise_count(house):
    soon, late = NOW.replace(day=25), NOW.replace(day=29)
    first = house.order((0, 1), customer="C-1", promise_at=late, priority=3).order
    second = house.order((0, 1), customer="C-1", promise_at=soon, priority=8).order
    done(a_merge(first, second))
    found = queries.order(first)
    assert (found.promise_at, found.priority) == (soon, 8)


def test_a_split_is_undone_by_a_merge(house):
    order = house.order((0, 3), customer="C-1", tax_minor=1_01).order
    before = queries.order(order)
    (answer,) = done(a_split(order, (1, 2)))
    done(a_merge(order, answer.new_order))
    after = queries.order(order)
    assert (after.total_minor, after.tax_minor) == (before.total_minor, before.tax_minor)
    assert units(order) == [{"open": 1}, {"open": 2}]


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("customer", {"customer": "C-2"}),
        ("channel", {"channel": "market"}),
        ("service", {"service": "express"}),
        ("policy", {"policy": "ship_complete"}),
        ("demand", {"demand": "wholesale"}),
        ("campaign", {"campaign": "spring"}),
        ("address", {"address": AddressGiven("Ada", "2 Low Road", "York")}),
    ],
)
def test_orders_that_are_not_alike_stay_two(house, name, facts):
    first = house.order((0, 1), customer="C-1").order
    second = house.order((0, 1), **{"customer": "C-1", **facts}).order
    (refused,) = merge(SYSTEM, requests=[a_merge(first, second)])
    assert isinstance(refused, errors.NotAlike), refused
    assert refused.facts["what"] == name
    assert queries.mergeable(first) == []
    why, others = queries.beside(first)
    assert (why, [one.why_not for one in others]) == (
        "",
        [] if name == "customer" else [regrouping.APART[name]],
    )


def test_what_can_not_be_merged_is_refused_and_its_neighbor_is_not(house):
    orders = [house.order((0, 1), customer="C-1").order for _ in range(9)]
    cancelled, released, held, captured, first, second, third, fourth, stranger = orders
    cancel(SYSTEM, requests=[CancelOrder(cancelled, "no")])
    walk.released(released)
    place_hold(SYSTEM, requests=[PlaceHold(held, "fraud review", "odd")])
    sql.run("UPDATE orders_order SET customer_id = NULL WHERE id = %(o)s", {"o": stranger})
    paid = house.order((0, 1), customer="C-1", payment=PaymentGiven("account", "P", 9_99, NOW)).order
    capture(SYSTEM, requests=[Capture(paid, 9_99)])
    cases = [
        (a_merge(first), Invalid),
        (MergeOrders(first, (second,), ""), Invalid),
        (a_merge(first, first), Invalid),
        (a_merge(first, ids.uuid7()), NotFound),
        (a_merge(first, cancelled), WrongState),
        (a_merge(released, first), errors.NotMergeable),
        (a_merge(first, held), WrongState),
        (a_merge(first, paid), errors.NotMergeable),
        (a_merge(first, stranger), errors.NotMergeable),
        (a_merge(first, second), OrdersMerged),
        (a_merge(third, second), Invalid),
        (a_merge(third, fourth, captured), OrdersMerged),
    ]
    why, others = queries.beside(first)
    assert (why, {one.id: one.why_not for one in others if one.why_not}) == (
        "",
        {
            released: "1 of its units is with the warehouse or gone",
            held: "something holds it",
            paid: "its payment was captured",
        },
    )
    assert [queries.beside(one)[0] for one in (released, held, stranger)] == [
        "1 of its units is with the warehouse or gone", "something holds it", "nobody knows whose it is",
    ]  # fmt: skip
    assert queries.beside(stranger)[1] == []
    answers = merge(SYSTEM, requests=[one for one, _ in cases])
    assert [type(one) for one in answers] == [kind for _, kind in cases], answers


def test_a_merge_again_by_key_is_the_same_merge(house):
    first, second = two(house)
    request = a_merge(first, second, key="m")
    assert done(request) == done(request)
    assert len(units(first)) == 2


# ---- both


@pytest.mark.counts("sourcing.split")
@pytest.mark.parametrize("kind", ["plain", "full"])
def test_statements_of_a_split_do_not_grow_with_the_batch(house, statements, kind):
    counts = []
    facts = {"payment": PaymentGiven("account", "P", 49_95, NOW)} if kind == "full" else {}
    for batch in SIZES:
        orders = walk.placed(house, batch, (0, 2), (2, 2), (1, 1), **facts)
        if kind == "full":
            walk.allocated(*orders)
            place_hold(SYSTEM, requests=[PlaceHold(one, "tax hold", "odd") for one in orders])
        lines = dict(sql.run("SELECT order_id, array_agg(id ORDER BY number) FROM orders_line GROUP BY 1"))
        requests = [SplitOrder(one, ((lines[one][0], 1), (lines[one][1], 2)), "why") for one in orders]
        with statements() as ran:
            answers = split(SYSTEM, requests=requests)
        assert all(isinstance(one, OrderSplit) for one in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [{"plain": 18, "full": 32}[kind]] * 3


@pytest.mark.counts("sourcing.merge")
def test_statements_of_a_merge_do_not_grow_with_the_batch(house, statements):
    counts = []
    house.stock(2, 1)
    for batch in SIZES:
        facts = {"payment": PaymentGiven("account", "P", 39_96, NOW), "customer": "C-1"}
        orders = walk.placed(house, 2 * batch, (0, 2), (2, 2), **facts)
        walk.allocated(*orders)
        pairs = zip(orders[:batch], orders[batch:], strict=True)
        with statements() as ran:
            done(*(a_merge(first, second) for first, second in pairs))
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [26] * 3


def test_a_new_order_is_placed_under_the_name_of_none(house):
    """The derived name of a split order is nobody's: the channel's next order is placed as ever."""
    order = house.order((0, 2)).order
    done(a_split(order, (1, 1)))
    assert isinstance(house.order((0, 1)), Placed)
    assert ready.waiting()["allocate"] == 3
