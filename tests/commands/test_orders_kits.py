"""orders.place with kits: what is kept of them, their money, and what becomes of it later."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.catalog.commands.register_kits import Component, RegisterKit, register_kits
from entrepot.channels.spreadsheet import importer, parse, read
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import errors, queries
from entrepot.orders.commands.cancel import CancelOrder, OrderCancelled, cancel
from entrepot.orders.commands.draft import PlaceDraft, SaveDraft, draft, place_draft
from entrepot.orders.commands.edit import AddLine, EditOrder, edit
from entrepot.orders.commands.hold import ReleaseHold, release_holds
from entrepot.orders.commands.merge import MergeOrders, merge
from entrepot.orders.commands.place import PromotionGiven, place
from entrepot.orders.commands.split import SplitOrder, split
from entrepot.orders.validation import Validation
from tests.selling import CAUSE, COMPANY, a_line, a_seller, an_order, placed
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()
    prices = {"MUG": "12.50", "PEN": "50", "TIN": "1", "SET": "80"}
    requests = [
        RegisterSku(COMPANY, code, code.title(), list_price=Decimal(price)) for code, price in prices.items()
    ]
    whole(register_skus(CAUSE, requests=requests))
    a_kit("SET", ("MUG", 4), ("PEN", 1))


def a_kit(code, *components):
    kit = RegisterKit(COMPANY, code, tuple(Component(*one) for one in components))
    whole(register_kits(CAUSE, requests=[kit]))


def lines(order):
    return [(one.sku_code, one.quantity, one.kit_code, one.kit_number, one.kit_units) for one in order.lines]


def test_a_kit_becomes_lines_of_its_components_that_bear_its_amounts_to_the_cent():
    (one,) = placed(an_order("E1", a_line("MUG", 1, "12.50"), a_line("SET", 2, "80", discount_minor=10_01),
                             shipping_minor=5_00, tax_minor=30_00))  # fmt: skip

    order = queries.order(one.order)
    assert lines(order) == [("MUG", 1, "", 0, 0), ("MUG", 8, "SET", 1, 4), ("PEN", 2, "SET", 1, 1)]
    assert [(line.number, line.gross_minor, line.discount_minor) for line in order.lines] == [
        (1, 12_50, 0), (2, 80_00, 5_01), (3, 80_00, 5_00),
    ]  # fmt: skip
    assert (order.goods_minor, order.discount_minor, order.total_minor) == (172_50, 10_01, 197_49)
    assert [line.unit_price for line in order.lines] == [Decimal("12.5"), Decimal(10), Decimal(40)]
    assert queries.discrepancies() == []


def test_the_same_kit_twice_is_two_kits():
    (one,) = placed(an_order("E1", a_line("SET", 1, "80"), a_line("SET", 3, "75")))
    kits = [(code, units, number) for code, units, _, number, _ in lines(queries.order(one.order))]
    assert kits == [("MUG", 4, 1), ("PEN", 1, 1), ("MUG", 12, 2), ("PEN", 3, 2)]


def test_kits_of_orders_that_are_merged_stay_apart():
    first, second, third = placed(
        an_order("E1", a_line("SET", 1, "80"), customer="C-1"),
        an_order("E2", a_line("SET", 1, "80"), a_line("SET", 2, "80"), customer="C-1"),
        an_order("E3", a_line("TIN", 1, "1"), a_line("SET", 1, "80"), customer="C-1"),
    )
    whole(merge(CAUSE, requests=[MergeOrders(first.order, (second.order, third.order), "one parcel")]))
    kits = [(number, code) for code, _, _, number, _ in lines(queries.order(first.order))]
    assert kits == [
        (1, "MUG"), (1, "PEN"), (2, "MUG"), (2, "PEN"), (3, "MUG"), (3, "PEN"), (0, "TIN"), (4, "MUG"), (4, "PEN"),
    ]  # fmt: skip
    assert queries.discrepancies() == []


def test_a_component_is_not_taken_from_its_kit_by_a_split():
    (one,) = placed(an_order("E1", a_line("SET", 1, "80"), a_line("TIN", 1, "1")))
    mugs, _, tin = queries.order(one.order).lines
    refused, _ = split(
        CAUSE,
        requests=[
            SplitOrder(one.order, ((mugs.id, 4),), "apart"),
            SplitOrder(one.order, ((tin.id, 1),), "apart"),
        ],
    )
    assert refused == Invalid(field="line", expected="goods that stand alone", found="part of kit SET")


def test_a_kit_that_the_catalog_learned_late_is_not_taken_for_goods():
    (one,) = placed(an_order("E1", a_line("BOX", 1, "9")))
    (hold,) = queries.order(one.order).holds
    whole(register_skus(CAUSE, requests=[RegisterSku(COMPANY, "BOX", "Box")]))
    a_kit("BOX", ("TIN", 5))
    (refused,) = release_holds(CAUSE, requests=[ReleaseHold(hold.id)])
    assert refused == errors.StillUnknown(skus="BOX")
    assert "expanded when an order is placed" in refused.message


def test_a_kit_that_changes_later_changes_no_order():
    (before,) = placed(an_order("E1", a_line("SET", 1, "80")))
    kept = lines(queries.order(before.order))
    a_kit("SET", ("TIN", 5))
    (after,) = placed(an_order("E2", a_line("SET", 1, "80")))

    assert lines(queries.order(before.order)) == kept
    assert lines(queries.order(after.order)) == [("TIN", 5, "SET", 1, 5)]


def test_promotions_of_a_kit_are_parts_of_its_components_discounts():
    given = (PromotionGiven("A", 3), PromotionGiven("B", 4), PromotionGiven("C", 2))
    (one,) = placed(an_order("E1", a_line("SET", 1, "80", discount_minor=9, promotions=given)))

    found = sql.run("SELECT code, sum(amount_minor)::int FROM orders_promotion GROUP BY 1 ORDER BY 1")
    assert found == [("A", 3), ("B", 4), ("C", 2)]
    assert queries.discrepancies() == []
    assert queries.order(one.order).discount_minor == 9


def test_a_discount_beyond_the_kit_is_refused_as_for_any_line():
    (answer,) = place(CAUSE, requests=[an_order("E1", a_line("SET", 1, "80", discount_minor=80_01))])
    assert answer.code == "orders.unplaceable"


def test_components_are_asked_about_their_buyers_and_the_kit_about_its_price():
    whole(
        register_skus(
            CAUSE, requests=[RegisterSku(COMPANY, "PEN", "Pen", minimum_age=18, list_price=Decimal(50))]
        )
    )
    policy = Validation(price="enforce", price_floor=0.9, inventory="enforce")
    whole(
        set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, CAUSE.at, note="strict")])
    )
    cheap, dear = placed(an_order("E1", a_line("SET", 1, "60")), an_order("E2", a_line("SET", 1, "72")))

    below = [hold for hold in queries.order(cheap.order).holds if "below" in hold.facts]
    assert [hold.facts["below"] for hold in below] == [["SET"]]
    assert not [hold for hold in queries.order(dear.order).holds if "below" in hold.facts]
    facts = [hold.facts for hold in queries.order(dear.order).holds]
    assert any(
        "PEN" in str(one) and "SET" not in str(one) for one in facts if "MUG" not in str(one)
    )  # of age
    assert [sorted(one["short"]) for one in facts if "short" in one] == [["MUG", "PEN"]]  # nowhere


def test_what_is_cancelled_of_a_kit_is_its_lines_as_of_any():
    (one,) = placed(an_order("E1", a_line("SET", 2, "80")))
    mugs, pens = queries.order(one.order).lines

    (answer,) = cancel(CAUSE, requests=[CancelOrder(one.order, "no more of these", ((pens.id, 1),))])
    assert isinstance(answer, OrderCancelled)
    (answer,) = cancel(CAUSE, requests=[CancelOrder(one.order, "nor of these")])
    assert (answer.units, answer.status) == (9, "cancelled")
    assert [line.cancelled for line in queries.order(one.order).lines] == [mugs.quantity, pens.quantity]


def changed(order, **changes):
    (answer,) = edit(CAUSE, requests=[EditOrder(order, "the customer asked", **changes)])
    return answer


def test_a_kit_that_comes_later_is_priced_and_split_as_at_intake():
    (one,) = placed(an_order("E1", a_line("MUG", 1, "12.50"), tax_minor=2_50))
    (asked,) = placed(an_order("E2", a_line("SET", 3, "80", discount_minor=10_01), tax_minor=46_00))

    answer = changed(one.order, add=(AddLine("SET", 3, discount_minor=10_01, tax_minor=46_00),))

    assert (len(answer.added), answer.total_minor - answer.before_minor) == (2, 240_00 - 10_01 + 46_00)
    order = queries.order(one.order)
    assert lines(order)[1:] == [("MUG", 12, "SET", 1, 4), ("PEN", 3, "SET", 1, 1)]
    assert amounts(order)[1:] == amounts(queries.order(asked.order))
    assert order.total_minor == sum(
        line.gross_minor - line.discount_minor + line.tax_minor for line in order.lines
    )


def amounts(order):
    return [
        (one.unit_price, one.gross_minor, one.discount_minor, one.shipping_minor, one.tax_minor)
        for one in order.lines
    ]


def test_more_of_a_kit_costs_what_it_did_and_bears_its_tax_rate():
    (one,) = placed(an_order("E1", a_line("SET", 3, "33.33"), a_line("TIN", 1, "1"), tax_minor=20_00))
    first = queries.order(one.order).lines[0]

    answer = changed(one.order, add=(AddLine("SET", 2, like=first.id),))

    order = queries.order(one.order)
    assert lines(order)[3:] == [("MUG", 8, "SET", 2, 4), ("PEN", 2, "SET", 2, 1)]
    assert answer.total_minor - answer.before_minor == 66_66 + 13_20  # 20.00 of tax on 100.99: 19.80 on 99.99
    assert sum(line.gross_minor for line in order.lines[3:]) == 66_66


def test_kits_that_go_take_what_is_left_of_their_components():
    (one,) = placed(an_order("E1", a_line("SET", 3, "80"), a_line("SET", 1, "80")))
    pens = queries.order(one.order).lines[1]
    whole(cancel(CAUSE, requests=[CancelOrder(one.order, "no pen", ((pens.id, 1),))]))

    assert changed(one.order, remove_kits=((1, 1),)).cancelled == 4  # the one that lacks its pen
    assert changed(one.order, remove_kits=((1, 1), (2, 1))).cancelled == 10
    assert [line.quantity - line.cancelled for line in queries.order(one.order).lines] == [4, 1, 0, 0]
    refused = changed(one.order, remove_kits=((1, 2),))
    assert refused == errors.MoreThanThereIs(line="SET", found=1, expected=2)
    assert changed(one.order, remove_kits=((3, 1),)) == NotFound(what="kit", which="3")
    assert changed(one.order, remove_kits=((1, 1),)).status == "cancelled"


def test_another_kit_takes_the_place_of_one_and_its_money_is_to_the_cent():
    whole(register_skus(CAUSE, requests=[RegisterSku(COMPANY, "BOX", "Box", list_price=Decimal("60.01"))]))
    a_kit("BOX", ("TIN", 3), ("PEN", 1))
    (one,) = placed(an_order("E1", a_line("SET", 1, "80"), tax_minor=16_00))

    answer = changed(one.order, add=(AddLine("BOX", 1),), remove_kits=((1, 1),))

    order = queries.order(one.order)
    assert lines(order)[2:] == [("TIN", 3, "BOX", 2, 3), ("PEN", 1, "BOX", 2, 1)]
    assert [line.quantity - line.cancelled for line in order.lines] == [0, 0, 3, 1]
    assert (answer.before_minor, answer.total_minor, answer.status) == (96_00, 60_01 + 12_00, "ready")


def test_the_price_of_a_kit_that_comes_is_asked_of_the_kit_and_the_rest_of_its_components():
    whole(set_policy(CAUSE, requests=[
        SetPolicy(COMPANY, "orders.validation", Validation(price="enforce", price_floor=0.9), CAUSE.at)]))  # fmt: skip
    sql.run("UPDATE catalog_sku SET minimum_age = 18 WHERE code = 'PEN'")
    (one,) = placed(an_order("E1", a_line("TIN", 1, "1")))

    refused = changed(one.order, add=(AddLine("SET", 1, Decimal(70)),))
    assert isinstance(refused, errors.PriceOverridden)
    (answer,) = edit(CAUSE, requests=[EditOrder(one.order, "so agreed", add=(AddLine("SET", 1, Decimal(70)),))],
                     own_prices=True)  # fmt: skip

    (hold,) = queries.order(one.order).holds
    assert (answer.holds, hold.facts["below"], hold.facts["restricted"]) == (("exception",), ["SET"], ["PEN"])


def test_a_draft_with_a_kit_is_placed_with_its_components_at_the_total_that_it_showed():
    wanted = an_order("E1", a_line("SET", 3, "79.99", discount_minor=7))
    (saved,) = whole(draft(CAUSE, requests=[SaveDraft(wanted)]))
    (one,) = whole(place_draft(CAUSE, requests=[PlaceDraft(saved.draft)]))
    order = queries.order(one.order)
    assert (len(order.lines), order.total_minor) == (2, saved.total_minor)


def test_kits_take_no_statement_more(statements):
    counts = []
    for n in SIZES:
        for sku in ("MUG", "SET"):
            requests = [replace(an_order(f"{sku}-{n}-{i}"), lines=(a_line(sku, 1, "80"),)) for i in range(n)]
            with statements() as ran:
                placed(*requests)
            counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts


def test_a_kit_of_a_file_is_placed_with_its_components():
    sheet = read.read(
        b"Order,SKU,Qty,Price,Line discount,Country\nA,SET,2,80.00,1.00,GB\nA,MUG,1,12.50,,GB\n"
    )
    report = importer.run(
        CAUSE,
        company=COMPANY,
        channel="shop",
        currency="GBP",
        sheet=sheet,
        mapping=parse.propose(sheet.header),
    )
    assert [(one.order, one.status, one.total_minor) for one in report.outcomes] == [("A", "ready", 171_50)]
    (known,) = queries.orders_page(COMPANY, text="A")
    assert lines(queries.order(known.id)) == [
        ("MUG", 8, "SET", 1, 4),
        ("PEN", 2, "SET", 1, 1),
        ("MUG", 1, "", 0, 0),
    ]


def test_as_many_kits_as_an_order_may_have_are_counted():
    a_kit("SET", ("MUG", 1_000), ("PEN", 1))
    (one,) = placed(an_order("E1", a_line("SET", 1_000_000, "0.01")))
    assert [line.quantity for line in queries.order(one.order).lines] == [10**9, 10**6]
